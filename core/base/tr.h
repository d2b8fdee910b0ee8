/* Texts that people read, in their language. The English text is the key; Vietnamese comes from the
 * tables core/base/vi/<layer>.def, each line TR_ENTRY("English with %s", "tiếng Việt có %s"). */
#ifndef BASE_TR_H
#define BASE_TR_H

enum base_lang { BASE_LANG_EN, BASE_LANG_VI };

/* Process-wide language; set once at start from --lang, LANTOA_LANG or LANG ("vi*" means
 * Vietnamese). */
void base_tr_set(enum base_lang lang);
enum base_lang base_tr_get(void);
/* Another language for this thread only, until it is taken back: what one person asked for in a
 * program that serves many. */
void base_tr_set_here(enum base_lang lang);
void base_tr_unset_here(void);

/* The text in the current language; the English one itself when no translation exists. Static. */
const char *base_tr(const char *english) __attribute__((format_arg(1)));
#define TR(english) base_tr(english)

#endif
