/* To a Telegram channel or group in which the bot may post. */
#include "telegram.h"

static const struct lantoa_option options[] = {
    TELEGRAM_OPTIONS,
    LANTOA_OPTION_TEXT(struct telegram_config, chat, NULL, LANTOA_REQUIRED,
        "Where to post: @name of the channel, or the number of the group",
        "Nơi đăng: @tên kênh hoặc mã số của nhóm"),
};
static const struct lantoa_content content[FIELD_COUNT] = TELEGRAM_CONTENT;

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "telegram-post",
    .kind = "social",
    .help_en = "Posts in a Telegram channel or group",
    .help_vi = "Đăng bài trong kênh hoặc nhóm Telegram",
    .address = LANTOA_ADDRESS_PAGE,
    TELEGRAM_COMMON,
};
