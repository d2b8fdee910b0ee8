/* Rules by which a hit is a machine's. */
#include "tracking/machine.h"

#include "base/hash.h"

static const char *const agents[] = {
#define AGENT(part, whose, source, date) part,
#include "tracking/agents.def"
#undef AGENT
};

#define AGENT_BYTES_MAX 1024

static bool known_agent(struct str agent) {
    char lower[AGENT_BYTES_MAX + 1];
    size_t bytes = agent.bytes < AGENT_BYTES_MAX ? agent.bytes : AGENT_BYTES_MAX;
    for (size_t i = 0; i < bytes; i++) {
        char c = agent.at[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c ? c : ' ';
    }
    lower[bytes] = '\0';
    for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++) {
        if (strstr(lower, agents[i])) {
            return true;
        }
    }
    return false;
}

enum click_machine machine_of_request(bool head, struct str agent, struct str purpose) {
    if (head) {
        return CLICK_HEAD;
    }
    /* "prefetch;prerender" and the like: only the first word matters. */
    struct str first = str_trim(str_cut(&purpose, ';'));
    if (str_case_eq(first, STR("prefetch")) || str_case_eq(first, STR("preview"))) {
        return CLICK_PREFETCH;
    }
    return agent.bytes == 0 || known_agent(agent) ? CLICK_AGENT : CLICK_HUMAN;
}

int64_t machine_agent_hash(struct str agent) {
    uint8_t hash[BASE_SHA256_BYTES];
    uint64_t head = 0;
    base_sha256(agent, hash);
    for (int i = 0; i < 8; i++) {
        head = head << 8 | hash[i];
    }
    return (int64_t)(head >> 1);
}
