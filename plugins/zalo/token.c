/* The access token of an Official Account; see zalo.h. Times are of the machine's clock: Zalo's own
 * time runs on while a rehearsal's does not. */
#include "zalo.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define OTHERS_MS 200   /* looked again while another channel refreshes */
#define AGAIN_MS 5000   /* after no answer */
#define EXPIRES_S 90000 /* 25 hours, when Zalo does not say */
#define PATH_ROOM 4096
#define SEED_HEX 17

struct zalo_token {
    struct zalo *zalo;
    char *access, *refresh, *dead; /* dead: an access token that Zalo has refused */
    char seed[SEED_HEX];           /* of the option it began with */
    int64_t until_ms;
    int64_t asked_ms; /* in the file: when the refresh was begun whose answer nobody has; 0: none */
    int64_t
        before_ms; /* the same of an earlier try: its answer, and with it the token, may be lost */
    int lock;      /* -1: not held */
    bool asking;
    struct lantoa_timer *timer;
};

static int64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void forget(char **secret) {
    if (*secret != NULL) {
        explicit_bzero(*secret, strlen(*secret));
        free(*secret);
        *secret = NULL;
    }
}

static void keep(char **to, const char *text) {
    char *copy = text == NULL ? NULL : strdup(text);
    forget(to);
    *to = copy;
}

/* Tells whether the administrator has put another refresh token into the channel file; not the
 * token itself. */
static void seed_of(const char *text, char out[SEED_HEX]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    out[0] = '\0';
    if (text != NULL && text[0] != '\0' &&
        EVP_Digest(text, strlen(text), digest, &count, EVP_sha256(), NULL) == 1) {
        for (int i = 0; i < 8; i++) {
            snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
        }
    }
}

static bool split_path(const struct zalo *zalo, char dir[PATH_ROOM], const char **name_out) {
    const char *path = zalo->config->token_file;
    const char *slash = strrchr(path, '/');
    size_t bytes = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL || bytes == 0 || bytes >= PATH_ROOM || slash[1] == '\0') {
        return false;
    }
    memcpy(dir, path, bytes);
    dir[bytes] = '\0';
    *name_out = slash + 1;
    return true;
}

/* The fresh pair that a process wrote, and died before it could put it in its place: Zalo has spent
 * the old one. Under the lock, for a file half written is not to be taken for one. */
static void recover(const struct zalo_token *token) {
    char dir[PATH_ROOM], seed[SEED_HEX];
    const char *name = NULL;
    size_t bytes = 0;
    char *text = split_path(token->zalo, dir, &name) ? state_load_new(dir, name, &bytes) : NULL;
    json_t *root = text == NULL ? NULL : json_loadb(text, bytes, 0, NULL);
    const char *told = json_string_value(json_object_get(root, "seed"));
    seed_of(token->zalo->config->refresh_token, seed);
    bool same = told != NULL && (seed[0] == '\0' || strcmp(told, seed) == 0);
    bool granted = json_is_string(json_object_get(root, "access_token")) &&
                   json_is_string(json_object_get(root, "refresh_token")) &&
                   json_integer_value(json_object_get(root, "asked_ms")) == 0;
    if (same && granted && state_finish(dir, name) == LANTOA_OK) {
        token->zalo->line.host->log(token->zalo->line.host, LANTOA_LOG_WARN,
            "a new token was written and not yet in its place: it is taken");
    }
    json_decref(root);
    if (text != NULL) {
        explicit_bzero(text, bytes);
        free(text);
    }
}

static void load(struct zalo_token *token) {
    char dir[PATH_ROOM], seed[SEED_HEX];
    const char *name = NULL;
    size_t bytes = 0;
    char *text = split_path(token->zalo, dir, &name) ? state_load(dir, name, &bytes) : NULL;
    json_t *root = text == NULL ? NULL : json_loadb(text, bytes, 0, NULL);
    const char *told = json_string_value(json_object_get(root, "seed"));
    seed_of(token->zalo->config->refresh_token, seed);
    /* Another one in the channel file is a new grant, and what lies here is worth nothing. */
    bool same = root != NULL && (seed[0] == '\0' || (told != NULL && strcmp(told, seed) == 0));
    keep(&token->access, same ? json_string_value(json_object_get(root, "access_token")) : NULL);
    keep(&token->refresh, same ? json_string_value(json_object_get(root, "refresh_token"))
                               : token->zalo->config->refresh_token);
    token->until_ms = same ? json_integer_value(json_object_get(root, "until_ms")) : 0;
    token->asked_ms = same ? json_integer_value(json_object_get(root, "asked_ms")) : 0;
    snprintf(token->seed, sizeof(token->seed), "%s", seed[0] != '\0' ? seed : told ? told : "");
    json_decref(root);
    if (text != NULL) {
        explicit_bzero(text, bytes);
        free(text);
    }
}

static int save(const struct zalo_token *token) {
    char dir[PATH_ROOM];
    const char *name = NULL;
    json_t *root = json_pack("{ss?,ss?,sI,ss,sI}", "access_token", token->access, "refresh_token",
        token->refresh, "until_ms", (json_int_t)token->until_ms, "seed", token->seed, "asked_ms",
        (json_int_t)token->asked_ms);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    int status = text == NULL ? LANTOA_ENOMEM : LANTOA_EINVAL;
    if (text != NULL && split_path(token->zalo, dir, &name)) {
        status = state_save(dir, name, text, strlen(text));
    }
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
    json_decref(root);
    return status;
}

static bool is_fresh(const struct zalo_token *token) {
    return token->access != NULL &&
           (token->dead == NULL || strcmp(token->dead, token->access) != 0) &&
           wall_ms() < token->until_ms - token->zalo->config->token_margin;
}

/* --- one refresher at a time --- */

static bool lock(struct zalo_token *token) {
    char path[PATH_ROOM];
    snprintf(path, sizeof(path), "%s.lock", token->zalo->config->token_file);
    token->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (token->lock >= 0 && flock(token->lock, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (token->lock >= 0) {
        close(token->lock);
        token->lock = -1;
    } else {
        social_stop(token->zalo->line.social, "the folder of token_file cannot be written");
    }
    return false;
}

/* A process that dies loses the lock with it. */
static void unlock(struct zalo_token *token) {
    if (token->lock >= 0) {
        close(token->lock);
        token->lock = -1;
    }
}

static void fire(void *arg) {
    struct zalo_token *token = arg;
    token->timer = NULL;
    social_pump(token->zalo->line.social);
}

static void later(struct zalo_token *token, int64_t ms) {
    if (token->timer == NULL) {
        const struct lantoa_host *host = token->zalo->line.host;
        token->timer = host->timer(host, ms, fire, token);
    }
}

/* --- asking --- */

static void granted(struct zalo_token *token, const json_t *json) {
    const json_t *expires = json_object_get(json, "expires_in");
    char room[32];
    long long seconds = strtoll(json_plain(expires, room, sizeof(room)), NULL, 10);
    seconds = seconds > 0 && seconds < 400LL * 86400 ? seconds : EXPIRES_S;
    keep(&token->access, json_string_value(json_object_get(json, "access_token")));
    keep(&token->refresh, json_string_value(json_object_get(json, "refresh_token")));
    token->until_ms = wall_ms() + seconds * 1000;
    token->asked_ms = 0;
    if (save(token) != LANTOA_OK) {
        /* Used, it would be lost with this process, and with it the way to the next one. */
        forget(&token->access);
        social_stop(token->zalo->line.social, "the new token cannot be written to token_file");
        return;
    }
    token->zalo->line.host->log(
        token->zalo->line.host, LANTOA_LOG_INFO, "a new access token, for %lld h", seconds / 3600);
}

static void denied(struct zalo_token *token, const json_t *json) {
    char why[590], room[32], when[32] = "";
    const char *said = json_string_value(json_object_get(json, "error_description"));
    said = said != NULL ? said : json_string_value(json_object_get(json, "message"));
    if (token->before_ms > 0) {
        time_t at = (time_t)(token->before_ms / 1000);
        struct tm parts;
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", gmtime_r(&at, &parts));
    }
    snprintf(why, sizeof(why),
        "Zalo gives no token (%.20s %.60s)%s%s: the account's administrator must grant the "
        "application again and put the new refresh_token into the channel file · Zalo không cấp "
        "token%s%s: quản trị viên Official Account phải cấp quyền lại và ghi refresh_token mới vào "
        "tệp kênh",
        json_plain(json_object_get(json, "error"), room, sizeof(room)), said != NULL ? said : "",
        when[0] != '\0' ? "; the answer to a try was lost, " : "", when,
        when[0] != '\0' ? "; câu trả lời lần trước đã mất, " : "", when);
    social_stop(token->zalo->line.social, why);
}

static void on_token(void *arg, const struct lantoa_http_answer *answer, const json_t *json) {
    struct zalo_token *token = arg;
    token->asking = false;
    bool good = json_is_string(json_object_get(json, "access_token")) &&
                json_is_string(json_object_get(json, "refresh_token"));
    if (good) {
        granted(token, json);
    } else if (json_object_get(json, "error") != NULL) {
        denied(token, json);
    } else {
        if (answer->left) {
            token->before_ms = token->asked_ms;
        } else {
            token->asked_ms = token->before_ms; /* Zalo has not had this one */
            (void)save(token);
        }
        token->zalo->line.host->log(token->zalo->line.host, LANTOA_LOG_WARN,
            "no token came: %d %.100s; it is asked for again", answer->status, answer->text);
        later(token, AGAIN_MS);
    }
    unlock(token);
    social_pump(token->zalo->line.social);
}

static void ask(struct zalo_token *token) {
    const struct zalo_config *config = token->zalo->config;
    struct social_request request = {0};
    request_url(&request, "%s/v4/oa/access_token", config->oauth_url);
    request_header(&request, "secret_key", config->app_secret);
    request_form(&request, "refresh_token", social_str(token->refresh));
    request_form(&request, "app_id", social_str(config->app_id));
    request_form(&request, "grant_type", social_str("refresh_token"));
    request.visible = true; /* it counts the first time only: never made twice by itself */
    if (social_ask(token->zalo->line.social, &request, on_token, NULL, token) == LANTOA_OK) {
        token->asking = true;
    } else {
        unlock(token);
        social_stop(
            token->zalo->line.social, "no request for a token can be made: check oauth_url");
    }
}

bool token_ready(struct zalo_token *token) {
    if (is_fresh(token)) {
        return true;
    }
    if (token->asking || token->timer != NULL) {
        return false;
    }
    load(token);
    if (is_fresh(token)) {
        return true;
    }
    if (!lock(token)) {
        later(token, OTHERS_MS);
        return false;
    }
    recover(token);
    load(token); /* another channel may have done it since */
    if (is_fresh(token)) {
        unlock(token);
        return true;
    }
    if (token->refresh == NULL || token->refresh[0] == '\0') {
        unlock(token);
        social_stop(token->zalo->line.social,
            "there is no refresh_token: the account's administrator must grant the application");
        return false;
    }
    /* The file stands and can be written before the one use of the token is spent; and it tells
     * whoever comes after a crash that this use may be spent. */
    token->before_ms = token->asked_ms > 0 ? token->asked_ms : token->before_ms;
    token->asked_ms = token->before_ms > 0 ? token->before_ms : wall_ms();
    if (save(token) != LANTOA_OK) {
        unlock(token);
        social_stop(token->zalo->line.social, "token_file cannot be written");
        return false;
    }
    ask(token);
    return false;
}

const char *token_access(const struct zalo_token *token) {
    return token->access == NULL ? "" : token->access;
}

void token_over(struct zalo_token *token) {
    keep(&token->dead, token->access);
}

struct zalo_token *token_new(struct zalo *zalo) {
    struct zalo_token *token = calloc(1, sizeof(*token));
    if (token != NULL) {
        token->zalo = zalo;
        token->lock = -1;
    }
    return token;
}

void token_free(struct zalo_token *token) {
    if (token == NULL) {
        return;
    }
    token->zalo->line.host->timer_stop(token->zalo->line.host, token->timer);
    unlock(token);
    forget(&token->access);
    forget(&token->refresh);
    forget(&token->dead);
    free(token);
}
