/* Texts and HTML of the pages. */
#include "api/pages.h"

#include "base/text.h"

/* X(NAME, "English", "tiếng Việt"): chosen by the person's language, not by the program's. */
#define PAGE_TEXTS(X)                                                                                                            \
    X(STOP_TITLE, "Stop receiving messages", "Ngừng nhận tin")                                                                   \
    X(STOP_ASK, "Do you want to stop receiving messages of this kind at this address?",                                          \
        "Quý vị muốn ngừng nhận loại tin này tại địa chỉ sau?")                                                                  \
    X(STOP_BUTTON, "Yes, stop", "Vâng, ngừng gửi")                                                                               \
    X(STOPPED,                                                                                                                   \
        "Done. From now on nothing more is sent to this address. A message that is on its "                                      \
        "way already may still arrive.",                                                                                         \
        "Đã ghi nhận. Từ lúc này sẽ không gửi thêm tin nào tới địa chỉ này. Tin đã gửi đi trước " \
        "đó có thể vẫn đến.")                                                                                                    \
    X(UNDO_ASK, "Was this a mistake?", "Quý vị bấm nhầm?")                                                                       \
    X(UNDO_BUTTON, "Receive messages again", "Nhận tin trở lại")                                                                 \
    X(AGAIN, "Thank you. Messages may be sent to this address again.",                                                           \
        "Cảm ơn quý vị. Tin sẽ lại được gửi tới địa chỉ này.")                                                                   \
    X(CHOOSE_TITLE, "Your messages", "Tin nhắn của quý vị")                                                                      \
    X(CHOOSE_ASK, "Tick the ways in which you want to hear from us.",                                                            \
        "Đánh dấu cách quý vị muốn nhận tin.")                                                                                   \
    X(SAVE_BUTTON, "Save", "Lưu")                                                                                                \
    X(SAVED, "Saved. It holds from now on.", "Đã lưu. Có hiệu lực từ lúc này.")                                                  \
    X(KIND_EMAIL, "Email", "Thư điện tử")                                                                                        \
    X(KIND_SMS, "SMS", "Tin nhắn SMS")                                                                                           \
    X(KIND_ZALO, "Zalo", "Zalo")                                                                                                 \
    X(KIND_VOICE, "Telephone call", "Cuộc gọi")

enum page_text {
#define NAME(name, en, vi) TEXT_##name,
    PAGE_TEXTS(NAME)
#undef NAME
};

static const struct {
    const char *en, *vi;
} texts[] = {
#define ROW(name, en, vi) {en, vi},
    PAGE_TEXTS(ROW)
#undef ROW
};

/* The first user writes Vietnamese: whoever has no language, or one we do not speak, gets that. */
static bool english(const struct choice_state *state) {
    return strncmp(state->lang, "en", 2) == 0;
}

static const char *say(const struct choice_state *state, enum page_text text) {
    return english(state) ? texts[text].en : texts[text].vi;
}

static void head(struct base_buf *out, const struct choice_state *state, enum page_text title) {
    base_buf_printf(out,
        "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<title>%s</title><style>body{font-family:sans-serif;font-size:18px;line-height:1.5;"
        "max-width:32em;margin:1em auto;padding:0 1em}button{font-size:18px;padding:.6em 1em}"
        "label{display:block;padding:.5em 0}</style></head><body><h1>%s</h1>\n",
        english(state) ? "en" : "vi", say(state, title), say(state, title));
}

static void foot(struct base_buf *out) {
    base_buf_add_text(out, "</body></html>\n");
}

static const char *kind_label(const struct choice_state *state, const char *kind) {
    static const struct {
        const char *kind;
        enum page_text text;
    } known[] = {{"email", TEXT_KIND_EMAIL}, {"sms", TEXT_KIND_SMS}, {"zalo", TEXT_KIND_ZALO},
        {"voice", TEXT_KIND_VOICE}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].kind, kind) == 0) {
            return say(state, known[i].text);
        }
    }
    return kind;
}

static void add_kind(
    struct base_buf *out, const struct choice_state *state, const struct choice_kind *kind) {
    base_text_html(out, str_from(kind_label(state, kind->kind)));
    if (kind->address[0]) {
        base_buf_add_text(out, ": ");
        base_text_html(out, str_from(kind->address));
    }
}

static void add_button(struct base_buf *out, const char *value, const char *label) {
    base_buf_printf(out,
        "<form method=\"post\" action=\"\"><input type=\"hidden\" name=\"choice\" value=\"%s\">"
        "<button type=\"submit\">%s</button></form>\n",
        value, label);
}

void page_unsubscribe(
    struct base_buf *out, const struct choice_state *state, enum page_moment moment) {
    static const enum page_text what[] = {
        [PAGE_ASKS] = TEXT_STOP_ASK, [PAGE_STOPPED] = TEXT_STOPPED, [PAGE_AGAIN] = TEXT_AGAIN};
    head(out, state, TEXT_STOP_TITLE);
    base_buf_printf(out, "<p>%s</p>\n", say(state, what[moment]));
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->kinds[i].kind, state->own) == 0) {
            base_buf_add_text(out, "<p><strong>");
            add_kind(out, state, &state->kinds[i]);
            base_buf_add_text(out, "</strong></p>\n");
        }
    }
    if (moment == PAGE_ASKS) {
        add_button(out, "stop", say(state, TEXT_STOP_BUTTON));
    } else if (moment == PAGE_STOPPED) {
        base_buf_printf(out, "<p>%s</p>\n", say(state, TEXT_UNDO_ASK));
        add_button(out, "undo", say(state, TEXT_UNDO_BUTTON));
    }
    foot(out);
}

void page_preferences(struct base_buf *out, const struct choice_state *state, bool saved) {
    head(out, state, TEXT_CHOOSE_TITLE);
    if (saved) {
        base_buf_printf(out, "<p><strong>%s</strong></p>\n", say(state, TEXT_SAVED));
    }
    base_buf_printf(
        out, "<p>%s</p>\n<form method=\"post\" action=\"\">\n", say(state, TEXT_CHOOSE_ASK));
    for (size_t i = 0; i < state->count; i++) {
        const struct choice_kind *kind = &state->kinds[i];
        if (kind->address[0]) {
            base_buf_printf(out,
                "<input type=\"hidden\" name=\"shown\" value=\"%s\"><label><input "
                "type=\"checkbox\" name=\"on\" value=\"%s\"%s> ",
                kind->kind, kind->kind, kind->on ? " checked" : "");
            add_kind(out, state, kind);
            base_buf_add_text(out, "</label>\n");
        }
    }
    base_buf_printf(
        out, "<button type=\"submit\">%s</button></form>\n", say(state, TEXT_SAVE_BUTTON));
    foot(out);
}
