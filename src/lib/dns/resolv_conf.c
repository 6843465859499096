/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/resolv_conf.h"

#include "base/cursor.h"

enum { DNS_PORT = 53 };

/* The figures that the C library has: what one option leaves to the other, and the most that is taken. */
enum { TIMEOUT_SECONDS = 5, TIMEOUT_SECONDS_MAX = 30, ATTEMPTS = 2, ATTEMPTS_MAX = 5 };

/* 0: not given. */
struct patience {
    uint64_t timeout_seconds;
    uint64_t attempts;
};

static void add_server(struct resolv_conf *conf, struct str word)
{
    struct str address, port;
    uint64_t number = DNS_PORT;

    if (conf->count == RESOLV_CONF_SERVERS_MAX)
        return;
    if (str_cut(word, '@', &address, &port) && (!str_to_uint64(port, &number) || number == 0 || number > UINT16_MAX))
        return;
    /* The C library wants an interface for link-local servers; those are left to it. */
    if (!ip_address_parse(address, &conf->servers[conf->count].address))
        return;
    conf->servers[conf->count++].port = (uint16_t) number;
}

static void take_option(struct str word, const char *name, uint64_t most, uint64_t *value)
{
    uint64_t number;

    if (!str_starts_with(word, str_from_c(name)))
        return;
    if (str_to_uint64(str_from(word, strlen(name)), &number) && number > 0)
        *value = number < most ? number : most;
}

static void take_options(struct patience *patience, struct str words)
{
    struct str word;

    while (str_next_word(&words, " \t", &word)) {
        take_option(word, "timeout:", TIMEOUT_SECONDS_MAX, &patience->timeout_seconds);
        take_option(word, "attempts:", ATTEMPTS_MAX, &patience->attempts);
    }
}

static void take_domains(struct resolv_conf *conf, struct str words, size_t most)
{
    struct str word;

    conf->domain_count = 0;
    while (conf->domain_count < most && str_next_word(&words, " \t", &word)) {
        char *place = conf->domains[conf->domain_count];

        if (str_ends_with(word, STR(".")))
            word.len--;
        if (word.len == 0 || word.len >= RESOLV_CONF_DOMAIN_SIZE)
            continue;
        /* UNSAFE: it was looked whether the word fits; the rest is zero for the comparison */
        memset(place, 0, RESOLV_CONF_DOMAIN_SIZE);
        memcpy(place, word.data, word.len);
        conf->domain_count++;
    }
}

static struct duration lookup_timeout(struct patience patience, size_t servers)
{
    uint64_t each = patience.timeout_seconds > 0 ? patience.timeout_seconds : TIMEOUT_SECONDS;
    uint64_t attempts = patience.attempts > 0 ? patience.attempts : ATTEMPTS;

    if (patience.timeout_seconds == 0 && patience.attempts == 0)
        return seconds(0);
    return seconds((int64_t) (each * attempts * servers));
}

void resolv_conf_parse(struct resolv_conf *conf, struct str text)
{
    struct cursor cursor = cursor_over(text);
    struct patience patience = { 0, 0 };
    struct str line, word;

    memset(conf, 0, sizeof(*conf));
    while (cursor_take_line(&cursor, &line)) {
        if (!str_next_word(&line, " \t", &word))
            continue;
        if (str_equal(word, STR("options")))
            take_options(&patience, line);
        else if (str_equal(word, STR("search")))
            take_domains(conf, line, RESOLV_CONF_DOMAINS_MAX);
        else if (str_equal(word, STR("domain")))
            take_domains(conf, line, 1);
        else if (str_equal(word, STR("nameserver")) && str_next_word(&line, " \t", &word))
            add_server(conf, word);
    }
    if (conf->count == 0)
        add_server(conf, STR("127.0.0.1"));
    conf->timeout = lookup_timeout(patience, conf->count);
}

bool resolv_conf_equal(const struct resolv_conf *a, const struct resolv_conf *b)
{
    if (a->count != b->count || a->timeout.us != b->timeout.us || a->domain_count != b->domain_count)
        return false;
    for (size_t i = 0; i < a->domain_count; i++) {
        if (strcmp(a->domains[i], b->domains[i]) != 0)
            return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->servers[i].port != b->servers[i].port ||
            !ip_address_equal(&a->servers[i].address, &b->servers[i].address))
            return false;
    }
    return true;
}
