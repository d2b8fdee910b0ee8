/* A message as submit_sm: its text prepared and cut, its number checked, and the PDUs written; see
 * smpp.h. */
#include "smpp.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DATA_CODING_DEFAULT = 0x00,
    DATA_CODING_UCS2 = 0x08,
    ESM_UDHI = 0x40,
    RECEIPT_ALL = 1,
    RECEIPT_FAILED = 2,
    DIGITS_LEAST = 3,
    SHORT_CODE_DIGITS = 6,
    PAYLOAD_OCTETS_MOST = 0xFFFF,
};

static bool is_choice(const char *value, const char *word) {
    return value != NULL && strcmp(value, word) == 0;
}

struct sms_rules smpp_compose_rules(const struct smpp_config *config) {
    return (struct sms_rules){
        .accents = is_choice(config->accents, "strip") ? SMS_ACCENTS_STRIP
                   : is_choice(config->accents, "strip_if_cheaper") ||
                           is_choice(config->accents, "strip_when_cheaper")
                       ? SMS_ACCENTS_STRIP_IF_CHEAPER
                       : SMS_ACCENTS_KEEP,
        .coding = is_choice(config->data_coding, "gsm7")   ? SMS_CODING_GSM7
                  : is_choice(config->data_coding, "ucs2") ? SMS_CODING_UCS2
                                                           : SMS_CODING_AUTO,
        .alphabet = is_choice(config->default_alphabet, "latin1")  ? SMS_ALPHABET_LATIN1
                    : is_choice(config->default_alphabet, "ascii") ? SMS_ALPHABET_ASCII
                                                                   : SMS_ALPHABET_GSM,
        .header_bytes = is_choice(config->concat, "udh16") ? SMS_HEADER_16 : SMS_HEADER_8,
        .most_parts = (size_t)config->parts,
    };
}

/* "+84912345678" without its plus. */
static bool take_number(struct lantoa_str address, char to[21]) {
    size_t used = 0;
    for (size_t i = 0; i < address.bytes; i++) {
        char c = address.at[i];
        if (c == '+' && i == 0) {
            continue;
        }
        if (c < '0' || c > '9' || used == 20) {
            return false;
        }
        to[used++] = c;
    }
    to[used] = '\0';
    return used >= DIGITS_LEAST;
}

/* Where the texts of the PDUs begin. */
static void cut_text(struct smpp_job *job) {
    size_t at = 0;
    for (size_t i = 0; i < job->pdu_count; i++) {
        job->cuts[i] = (uint32_t)at;
        at += job->pdu_count == 1 ? job->text_bytes
                                  : sms_text_cut(&job->cost, job->text + at, job->text_bytes - at);
    }
    job->cuts[job->pdu_count] = (uint32_t)at;
}

int smpp_compose(const struct smpp_pool *pool, const struct lantoa_message *message,
    struct smpp_job **job_out, enum lantoa_reason *reason_out, char *why, size_t room) {
    const struct lantoa_str text = message->fields[SMPP_FIELD_TEXT];
    const size_t text_room = sms_text_room(text.bytes), most = pool->rules.most_parts;
    struct sms_rules rules = pool->rules;
    sms_rules_of_step(&rules, message->step);
    struct smpp_job *job = NULL;
    *reason_out = LANTOA_REASON_TEMPORARY;
    snprintf(why, room, "out of memory");
    if (text.bytes <= (size_t)1 << 20) {
        job = calloc(1, sizeof(*job) + (most + 1) * (sizeof(uint32_t) + 1) + text_room);
    }
    if (job == NULL) {
        return LANTOA_ENOMEM;
    }
    job->message = message;
    job->cuts = (uint32_t *)(void *)(job + 1);
    job->parts = (uint8_t *)(job->cuts + most + 1);
    job->text = (char *)(job->parts + most + 1);
    if (!take_number(message->address, job->dest_addr)) {
        *reason_out = LANTOA_REASON_ADDRESS;
        snprintf(why, room, "the number is none");
        goto refused;
    }
    int status = sms_text_prepare(
        text.at, text.bytes, &rules, job->text, text_room, &job->text_bytes, &job->cost);
    if (status == LANTOA_ELIMIT) {
        *reason_out = LANTOA_REASON_TOO_LARGE;
        snprintf(why, room, "%zu parts, at most %zu are allowed", job->cost.parts, most);
        goto refused;
    }
    if (status != LANTOA_OK || job->text_bytes == 0) {
        *reason_out = LANTOA_REASON_CONTENT;
        snprintf(why, room,
            job->text_bytes == 0 ? "the text is empty" : "letter %zu is not in GSM 7-bit",
            job->cost.costly_at);
        goto refused;
    }
    bool payload = is_choice(pool->config->concat, "payload");
    job->pdu_count = payload ? 1 : job->cost.parts;
    job->waiting = job->pdu_count;
    cut_text(job);
    *job_out = job;
    return LANTOA_OK;
refused:
    free(job);
    return LANTOA_EINVAL;
}

/* Type of number and numbering plan of the sender, by its look. */
static void look_of(const char *address, uint8_t *ton_out, uint8_t *npi_out) {
    size_t bytes = strlen(address), digits = strspn(address, "0123456789");
    *ton_out = digits < bytes                ? 5
               : digits <= SHORT_CODE_DIGITS ? 3
                                             : 1; /* name, short code, full */
    *npi_out = *ton_out == 1 ? 1 : 0;
}

static void put_source(const struct smpp_config *config, struct smpp_pdu *pdu) {
    const char *source = config->source_addr == NULL ? "" : config->source_addr;
    source += source[0] == '+' ? 1 : 0;
    look_of(source, &pdu->source_ton, &pdu->source_npi);
    pdu->source_ton = config->source_ton >= 0 ? (uint8_t)config->source_ton : pdu->source_ton;
    pdu->source_npi = config->source_npi >= 0 ? (uint8_t)config->source_npi : pdu->source_npi;
    pdu->source_addr = (struct lantoa_str){source, strlen(source)};
}

/* The header in front of a part's octets; 0 when it has none. */
static size_t put_header(
    const struct smpp_pool *pool, const struct smpp_job *job, size_t part, unsigned char *to) {
    const char *concat = pool->config->concat;
    unsigned reference = job->concat_reference;
    if (job->pdu_count == 1 || is_choice(concat, "sar")) {
        return 0;
    }
    if (is_choice(concat, "udh16")) {
        const unsigned char header[] = {6, 8, 4, (unsigned char)(reference >> 8),
            (unsigned char)reference, (unsigned char)job->pdu_count, (unsigned char)(part + 1)};
        memcpy(to, header, sizeof(header));
        return sizeof(header);
    }
    const unsigned char header[] = {5, 0, 3, (unsigned char)reference,
        (unsigned char)job->pdu_count, (unsigned char)(part + 1)};
    memcpy(to, header, sizeof(header));
    return sizeof(header);
}

static void put_tlvs(struct smpp_pool *pool, const struct smpp_job *job, size_t part) {
    struct bytes *tlvs = &pool->scratch_tlvs;
    bytes_clear(tlvs, PAYLOAD_OCTETS_MOST * 2);
    if (job->user_reference != 0) {
        smpp_tlv_put_number(tlvs, SMPP_TAG_USER_MESSAGE_REFERENCE, job->user_reference, 2);
    }
    if (job->pdu_count > 1 && is_choice(pool->config->concat, "sar")) {
        smpp_tlv_put_number(tlvs, SMPP_TAG_SAR_REFERENCE, job->concat_reference, 2);
        smpp_tlv_put_number(tlvs, SMPP_TAG_SAR_TOTAL, (uint32_t)job->pdu_count, 1);
        smpp_tlv_put_number(tlvs, SMPP_TAG_SAR_NUMBER, (uint32_t)part + 1, 1);
    }
}

/* Text into short_message, or into message_payload when it does not fit there. */
static bool put_text(
    struct smpp_pool *pool, const struct smpp_job *job, size_t part, struct smpp_pdu *pdu) {
    const char *text = job->text + job->cuts[part];
    size_t bytes = job->cuts[part + 1] - job->cuts[part];
    struct bytes *octets = &pool->scratch;
    bytes_clear(octets, PAYLOAD_OCTETS_MOST * 2);
    size_t room = bytes * 2 + 8;
    if (!bytes_reserve(octets, room)) {
        return false;
    }
    unsigned char *to = (unsigned char *)octets->at;
    size_t header = put_header(pool, job, part, to);
    octets->used = header + sms_text_encode(job->cost.coding, pool->rules.alphabet, text, bytes,
                                to + header, room - header);
    pdu->esm_class = header > 0 ? ESM_UDHI : 0;
    pdu->short_message = (struct lantoa_str){octets->at, octets->used};
    if (octets->used > SMPP_SHORT_MESSAGE_MOST ||
        (job->cost.parts > 1 && is_choice(pool->config->concat, "payload"))) {
        smpp_tlv_put(&pool->scratch_tlvs, SMPP_TAG_PAYLOAD, octets->at, octets->used);
        pdu->short_message = (struct lantoa_str){"", 0};
    }
    return octets->used <= PAYLOAD_OCTETS_MOST && !pool->scratch_tlvs.failed;
}

bool smpp_compose_pdu(struct smpp_pool *pool, struct smpp_job *job, size_t part, uint32_t sequence,
    struct bytes *out) {
    const struct smpp_config *config = pool->config;
    char validity[40] = "";
    if (job->user_reference == 0 && config->user_reference) {
        job->user_reference = submits_add(pool->submits, job->message->key, job->message->address);
    }
    if (job->concat_reference == 0 && job->pdu_count > 1) {
        pool->concat_reference = (uint16_t)(pool->concat_reference + 1);
        pool->concat_reference = pool->concat_reference == 0 ? 1 : pool->concat_reference;
        job->concat_reference = pool->concat_reference;
    }
    if (config->validity > 0) {
        int64_t seconds = config->validity / 1000;
        snprintf(validity, sizeof(validity), "0000%02d%02d%02d%02d000R",
            (int)(seconds / 86400 % 100), (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60),
            (int)(seconds % 60));
    }
    const char *service = config->service_type == NULL ? "" : config->service_type;
    struct smpp_pdu pdu = {.command = SMPP_SUBMIT_SM,
        .sequence = sequence,
        .service_type = {service, strlen(service)},
        .dest_ton = (uint8_t)config->dest_ton,
        .dest_npi = (uint8_t)config->dest_npi,
        .dest_addr = {job->dest_addr, strlen(job->dest_addr)},
        .validity_period = {validity, strlen(validity)},
        .registered_delivery = is_choice(config->receipts, "all")      ? RECEIPT_ALL
                               : is_choice(config->receipts, "failed") ? RECEIPT_FAILED
                                                                       : 0,
        .data_coding = job->cost.coding == SMS_UCS2 ? DATA_CODING_UCS2 : DATA_CODING_DEFAULT};
    put_source(config, &pdu);
    put_tlvs(pool, job, part);
    if (!put_text(pool, job, part, &pdu)) {
        return false;
    }
    pdu.tlvs = (struct lantoa_str){pool->scratch_tlvs.at, pool->scratch_tlvs.used};
    return smpp_pdu_encode(&pdu, out);
}
