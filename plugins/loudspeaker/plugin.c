/* The loudspeaker channel: what the host sees of it. */
#include "loudspeaker.h"
#include <stdio.h>
#include <string.h>

static int loudspeaker_open(const struct lantoa_host *host, const void *config, void **self_out) {
    struct player *player = NULL;
    int code = player_open(host, config, &player);
    *self_out = player;
    return code;
}

static int loudspeaker_check(const void *given, struct lantoa_fault *fault_out) {
    const struct config *config = given;
    struct keys *keys = keys_new(config->keys, fault_out);
    int code = keys ? LANTOA_OK : LANTOA_EINVAL;
    keys_free(keys);
    code = code ? code : pull_check(config, fault_out);
    code = code ? code : mqtt_check(config, fault_out);
    return code ? code : rtp_check(config->multicast_via, fault_out);
}

static int loudspeaker_start(void *self) {
    return player_start(self);
}

static void loudspeaker_send(
    void *self, const struct lantoa_message *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        player_send(self, messages[i]);
    }
}

static void loudspeaker_event_done(void *self, uint64_t token) {
    report_done(self, token);
}

static void loudspeaker_drain(void *self) {
    player_drain(self);
}

static void loudspeaker_close(void *self) {
    player_close(self);
}

static int loudspeaker_preview(
    const void *config, const struct lantoa_message *message, char *text, size_t room) {
    const struct lantoa_str *fields = message->fields;
    (void)config;
    snprintf(text, room, "%.*s\n%.*s, %.*s s\n%.*s", (int)fields[FIELD_TITLE].bytes,
        fields[FIELD_TITLE].at, (int)fields[FIELD_START].bytes, fields[FIELD_START].at,
        (int)fields[FIELD_SECONDS].bytes, fields[FIELD_SECONDS].at, (int)fields[FIELD_SCRIPT].bytes,
        fields[FIELD_SCRIPT].at);
    return LANTOA_OK;
}

static const struct lantoa_option options[] = {
    LANTOA_OPTION_TEXT(struct config, keys, NULL, LANTOA_SECRET,
        "Keys of the devices and passwords of the mounts, a line each: NAME KEY; best given as a "
        "file",
        "Khoá của các thiết bị và mật khẩu của các mount, mỗi dòng: TÊN KHOÁ; nên để trong tệp"),
    LANTOA_OPTION_FILE(struct config, ca_file, NULL, 0,
        "Certificates to trust when connecting (PEM); none: those of the system",
        "Chứng thư được tin cậy khi kết nối (PEM); không có: của hệ thống"),
    LANTOA_OPTION_TEXT(struct config, listen, NULL, 0,
        "Address and port where devices fetch their plan, like 0.0.0.0:8090; none: no devices "
        "fetch",
        "Địa chỉ và cổng để thiết bị lấy lịch phát, như 0.0.0.0:8090; không có: không thiết bị nào "
        "lấy"),
    LANTOA_OPTION_FILE(struct config, tls_cert, NULL, 0,
        "Certificate for `listen` (PEM); none: without encryption",
        "Chứng thư cho `listen` (PEM); không có: không mã hoá"),
    LANTOA_OPTION_FILE(
        struct config, tls_key, NULL, 0, "Key of tls_cert (PEM)", "Khoá của tls_cert (PEM)"),
    LANTOA_OPTION_TEXT(struct config, mqtt, NULL, 0,
        "MQTT broker that tells devices of changes: mqtt://HOST:1883 or mqtts://HOST:8883",
        "Máy chủ MQTT báo thay đổi cho thiết bị: mqtt://HOST:1883 hoặc mqtts://HOST:8883"),
    LANTOA_OPTION_TEXT(struct config, mqtt_user, NULL, 0, "User name there", "Tên người dùng ở đó"),
    LANTOA_OPTION_TEXT(
        struct config, mqtt_password, NULL, LANTOA_SECRET, "Password there", "Mật khẩu ở đó"),
    LANTOA_OPTION_TEXT(struct config, mqtt_topic, "lantoa", 0,
        "Topics begin with this: lantoa/ID/plan, lantoa/ID/play, lantoa/ID/status",
        "Chủ đề bắt đầu bằng chữ này: lantoa/ID/plan, lantoa/ID/play, lantoa/ID/status"),
    LANTOA_OPTION_FILE(struct config, paper_dir, NULL, 0,
        "Folder for what people play from a stick: playlists, recordings, calendars; none: inside "
        "the channel's own folder",
        "Thư mục cho nội dung phát từ thẻ nhớ: danh sách phát, bản ghi, lịch; không có: trong thư "
        "mục riêng của kênh"),
    LANTOA_OPTION_TEXT(struct config, multicast_via, NULL, 0,
        "Own IPv4 address of the network card by which multicast leaves; none: as the system "
        "routes",
        "Địa chỉ IPv4 của card mạng dùng để phát multicast; không có: theo bảng định tuyến"),
    LANTOA_OPTION_DURATION(struct config, resume_within, "10m", 0, 86400000, LANTOA_LIVE,
        "What an emergency interrupted goes on if that is possible so soon after; else it is cut",
        "Nội dung bị khẩn cấp ngắt sẽ phát tiếp nếu còn trong khoảng này; nếu không thì coi là bị "
        "cắt"),
    LANTOA_OPTION_DURATION(struct config, asrun_wait, "168h", 60000, 8640000000, LANTOA_LIVE,
        "How long to wait for a device's record after the planned end before it counts as missed",
        "Chờ nhật ký của thiết bị bao lâu sau giờ kết thúc dự kiến trước khi coi là không phát"),
    LANTOA_OPTION_DURATION(struct config, plan_valid, "168h", 60000, 8640000000, LANTOA_LIVE,
        "How long a device without a link may go by the plan it has",
        "Thiết bị mất liên lạc được phát theo lịch đã có trong bao lâu"),
};

static int loudspeaker_reconfigure(void *self, const void *config) {
    struct player *player = self;
    player->config = config;
    player_wake(player);
    return LANTOA_OK;
}

static const struct lantoa_content content[] = {
    [FIELD_OUTLET] = {"outlet", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 200,
        "Code of the outlet", "Mã cụm loa"},
    [FIELD_TITLE] = {"title", LANTOA_CONTENT_SINGLE_LINE, 400, "Title", "Tiêu đề"},
    [FIELD_AUDIO] = {"audio", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 120,
        "Name of the recording among the step's files", "Tên bản ghi trong các tệp của bước"},
    [FIELD_SECONDS] = {"seconds", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 15,
        "Planned length in seconds", "Thời lượng dự kiến, giây"},
    [FIELD_START] = {"start", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 40,
        "Planned start", "Giờ bắt đầu dự kiến"},
    [FIELD_ENDS] = {"ends", LANTOA_CONTENT_SINGLE_LINE, 40, "Latest start",
        "Giờ bắt đầu muộn nhất"},
    [FIELD_PRIORITY] = {"priority", LANTOA_CONTENT_SINGLE_LINE, 15, "normal, priority or emergency",
        "normal, priority hoặc emergency"},
    [FIELD_SCRIPT] = {"script", 0, 8000, "What is said, as text", "Lời đọc"},
    [FIELD_PLACE] = {"place", LANTOA_CONTENT_SINGLE_LINE, 400, "Name of the place", "Tên địa bàn"},
    [FIELD_WITHDRAWN] = {"withdrawn", LANTOA_CONTENT_SINGLE_LINE, 100,
        "Anything here takes the airing of this key back", "Có chữ ở đây là rút lại lượt phát này"},
};
_Static_assert(sizeof(content) / sizeof(content[0]) == FIELD_COUNT, "item.h knows the rows");

LANTOA_EXPORT const struct lantoa_plugin lantoa_plugin_v1 = {
    LANTOA_PLUGIN_HEAD,
    .name = "loudspeaker",
    .version = "1.0",
    .kind = "loudspeaker",
    .help_en = "Plays recordings on loudspeakers: Icecast, RTP, devices that fetch, paper",
    .help_vi = "Phát bản ghi trên loa: Icecast, RTP, thiết bị tự lấy lịch, lịch giấy",
    .address = LANTOA_ADDRESS_OUTLET,
    .capabilities = LANTOA_CAN_RECEIPT | LANTOA_CAN_IDEMPOTENT | LANTOA_CAN_PARTS,
    .config_size = sizeof(struct config),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .content = content,
    .content_count = sizeof(content) / sizeof(content[0]),
    .ops =
        {
            .size = sizeof(struct lantoa_ops),
            .open = loudspeaker_open,
            .start = loudspeaker_start,
            .check = loudspeaker_check,
            .send = loudspeaker_send,
            .event_done = loudspeaker_event_done,
            .reconfigure = loudspeaker_reconfigure,
            .drain = loudspeaker_drain,
            .close = loudspeaker_close,
            .preview = loudspeaker_preview,
        },
};
