/* How many messages to one recipient domain are under way at once; see smtp.h. A job either has a
 * permit or waits in its domain. */
#include "smtp.h"

#include "address.h"

#include <stdlib.h>
#include <strings.h>

struct smtp_domain {
    struct smtp_domain *next;
    size_t permits; /* jobs ready or on a connection */
    struct smtp_queue waiting;
    size_t bytes;
    char name[];
};

void smtp_queue_push(struct smtp_queue *queue, struct smtp_job *job) {
    job->next = NULL;
    if (queue->last == NULL) {
        queue->first = job;
    } else {
        queue->last->next = job;
    }
    queue->last = job;
    queue->count++;
}

void smtp_queue_push_front(struct smtp_queue *queue, struct smtp_job *job) {
    job->next = queue->first;
    queue->first = job;
    if (queue->last == NULL) {
        queue->last = job;
    }
    queue->count++;
}

struct smtp_job *smtp_queue_pop(struct smtp_queue *queue) {
    struct smtp_job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        queue->count--;
        job->next = NULL;
    }
    return job;
}

void smtp_queue_withdraw(struct smtp_queue *queue,
    bool (*matches)(void *arg, const struct smtp_job *job), void *arg, struct smtp_queue *out) {
    struct smtp_queue kept = {0};
    for (struct smtp_job *job = smtp_queue_pop(queue); job != NULL; job = smtp_queue_pop(queue)) {
        smtp_queue_push(matches(arg, job) ? out : &kept, job);
    }
    *queue = kept;
}

static size_t bucket_of(struct lantoa_str name) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.bytes; i++) {
        unsigned char c = (unsigned char)name.at[i];
        c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
        hash = (hash ^ c) * 16777619u;
    }
    return hash % SMTP_DOMAIN_BUCKETS;
}

bool smtp_domains_admit(struct smtp_domains *domains, struct smtp_job *job, size_t most) {
    if (most == 0) {
        return true;
    }
    struct lantoa_str name = address_domain(job->message->address);
    struct smtp_domain **link = &domains->buckets[bucket_of(name)];
    while (*link != NULL &&
           ((*link)->bytes != name.bytes || strncasecmp((*link)->name, name.at, name.bytes) != 0)) {
        link = &(*link)->next;
    }
    struct smtp_domain *domain = *link;
    if (domain == NULL) {
        domain = calloc(1, sizeof(*domain) + name.bytes);
        if (domain == NULL) {
            return true;
        }
        domain->bytes = name.bytes;
        memcpy(domain->name, name.at, name.bytes);
        *link = domain;
    }
    job->domain = domain;
    if (domain->permits >= most) {
        smtp_queue_push(&domain->waiting, job);
        return false;
    }
    domain->permits++;
    return true;
}

static void pump(struct smtp_domain *domain, size_t most, struct smtp_queue *ready) {
    while (domain->waiting.count > 0 && (most == 0 || domain->permits < most)) {
        domain->permits++;
        smtp_queue_push(ready, smtp_queue_pop(&domain->waiting));
    }
}

void smtp_domains_release(
    struct smtp_domains *domains, struct smtp_job *job, size_t most, struct smtp_queue *ready) {
    struct smtp_domain *domain = job->domain;
    if (domain == NULL) {
        return;
    }
    job->domain = NULL;
    domain->permits--;
    pump(domain, most, ready);
    if (domain->permits == 0 && domain->waiting.count == 0) {
        struct smtp_domain **link =
            &domains->buckets[bucket_of((struct lantoa_str){domain->name, domain->bytes})];
        while (*link != domain) {
            link = &(*link)->next;
        }
        *link = domain->next;
        free(domain);
    }
}

void smtp_domains_pump(struct smtp_domains *domains, size_t most, struct smtp_queue *ready) {
    for (size_t i = 0; i < SMTP_DOMAIN_BUCKETS; i++) {
        for (struct smtp_domain *domain = domains->buckets[i]; domain != NULL;
             domain = domain->next) {
            pump(domain, most, ready);
        }
    }
}

void smtp_domains_withdraw(struct smtp_domains *domains,
    bool (*matches)(void *arg, const struct smtp_job *job), void *arg, struct smtp_queue *out) {
    for (size_t i = 0; i < SMTP_DOMAIN_BUCKETS; i++) {
        for (struct smtp_domain *domain = domains->buckets[i]; domain != NULL;
             domain = domain->next) {
            struct smtp_queue taken = {0};
            smtp_queue_withdraw(&domain->waiting, matches, arg, &taken);
            for (struct smtp_job *job = smtp_queue_pop(&taken); job != NULL;
                 job = smtp_queue_pop(&taken)) {
                job->domain =
                    NULL; /* it had no permit; the domain lives on by those that have one */
                smtp_queue_push(out, job);
            }
        }
    }
}

void smtp_domains_free(struct smtp_domains *domains) {
    for (size_t i = 0; i < SMTP_DOMAIN_BUCKETS; i++) {
        while (domains->buckets[i] != NULL) {
            struct smtp_domain *domain = domains->buckets[i];
            domains->buckets[i] = domain->next;
            free(domain);
        }
    }
}
