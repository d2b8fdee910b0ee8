/* To people who have written to the bot. */
#include "telegram.h"

static const struct lantoa_option options[] = {TELEGRAM_OPTIONS};
static const struct lantoa_content content[FIELD_COUNT] = TELEGRAM_CONTENT;

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "telegram",
    .kind = "telegram",
    .help_en = "Telegram messages to people who have started the bot",
    .help_vi = "Tin Telegram tới người đã bắt đầu trò chuyện với bot",
    .address = LANTOA_ADDRESS_ACCOUNT,
    .account = "telegram_id",
    TELEGRAM_COMMON,
};
