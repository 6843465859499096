/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/proxy_xforward.h"

#include "base/strbuf.h"
#include "mail/xtext.h"
#include "smtpd/session.h"

enum { COMMAND_MAXIMUM = 512 - 2 };

static const struct {
    const char *name;
    enum client_attribute attribute;
} rows[] = {
    { "NAME", CLIENT_NAME },   { "ADDR", CLIENT_ADDR },   { "PORT", CLIENT_PORT },     { "HELO", CLIENT_HELO },
    { "IDENT", CLIENT_IDENT }, { "PROTO", CLIENT_PROTO }, { "SOURCE", CLIENT_SOURCE },
};

static unsigned parse_words(struct str words)
{
    unsigned known = 0;
    struct str word;

    while (str_next_word(&words, " \t", &word)) {
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            if (str_equal_nocase(word, str_from_c(rows[i].name)))
                known |= 1u << rows[i].attribute;
        }
    }
    return known;
}

unsigned proxy_xforward_parse(const struct strlist *lines)
{
    unsigned known = 0;

    for (size_t i = 1; i < lines->count; i++) {
        struct str rest = str_from(lines->items[i], 4), word;

        if (str_next_word(&rest, " \t", &word) && str_equal_nocase(word, STR("XFORWARD")))
            known |= parse_words(rest);
    }
    return known;
}

static struct str value_of_client(const struct session *session, enum client_attribute attribute)
{
    switch (attribute) {
    case CLIENT_NAME:
        return session->peer.name;
    case CLIENT_ADDR:
        return session->peer.address;
    case CLIENT_PORT:
        return session->peer.port;
    case CLIENT_HELO:
        return session->helo_name;
    case CLIENT_PROTO:
        return str_from_c(session_protocol(session));
    default:
        return STR_EMPTY;
    }
}

static struct str value_of(const struct session *session, enum client_attribute attribute)
{
    const struct forwarded *forwarded = &session->forwarded;

    if (attribute == CLIENT_SOURCE)
        return str_equal(transaction_rewrite_context(session), STR("local")) ? STR("LOCAL") : STR("REMOTE");
    if (forwarded_has_client(forwarded) || attribute == CLIENT_IDENT)
        return forwarded->attributes.values[attribute];
    return value_of_client(session, attribute);
}

static void append_pair(struct strbuf *out, const char *name, enum client_attribute attribute, struct str value)
{
    strbuf_printf(out, " %s=", name);
    if (value.len == 0 || str_equal(value, STR("unknown")))
        strbuf_append(out, STR("[UNAVAILABLE]"));
    else if (attribute == CLIENT_ADDR && str_contains_char(value, ':'))
        strbuf_printf(out, "IPv6:%.*s", STR_ARG(value));
    else
        xtext_encode(out, str_part(value, 0, CLIENT_ATTRIBUTE_MAXIMUM), "");
}

struct strlist proxy_xforward_commands(const struct session *session, unsigned known, struct arena *arena)
{
    struct strlist commands = { 0 };
    struct strbuf command, pair;

    strbuf_init(&command, STRBUF_UNLIMITED);
    strbuf_init(&pair, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if ((known >> rows[i].attribute & 1) == 0)
            continue;
        strbuf_clear(&pair);
        append_pair(&pair, rows[i].name, rows[i].attribute, value_of(session, rows[i].attribute));
        if (command.len > 0 && command.len + pair.len > COMMAND_MAXIMUM) {
            strlist_add(&commands, arena, strbuf_str(&command));
            strbuf_clear(&command);
        }
        if (command.len == 0)
            strbuf_append(&command, STR("XFORWARD"));
        strbuf_append(&command, strbuf_str(&pair));
    }
    if (command.len > 0)
        strlist_add(&commands, arena, strbuf_str(&command));
    strbuf_done(&pair);
    strbuf_done(&command);
    return commands;
}
