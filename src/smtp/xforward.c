/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/xforward.h"

#include "base/strbuf.h"
#include "mail/xtext.h"
#include "protocol/deliver.h"

enum { VALUE_MAX = 255 };

static const struct {
    const char *name;
    const char *attribute; /* of the request */
    enum xforward_attribute bit;
} rows[] = {
    { "NAME", "log_client_name", XFORWARD_NAME },     { "ADDR", "log_client_address", XFORWARD_ADDR },
    { "PORT", "log_client_port", XFORWARD_PORT },     { "PROTO", "log_protocol_name", XFORWARD_PROTO },
    { "HELO", "log_helo_name", XFORWARD_HELO },       { "IDENT", "log_ident", XFORWARD_IDENT },
    { "SOURCE", "rewrite_context", XFORWARD_SOURCE },
};

unsigned xforward_parse(struct str words)
{
    unsigned known = 0;
    struct str word;

    while (str_next_word(&words, " \t", &word)) {
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
            if (str_equal_nocase(word, str_from_c(rows[i].name)))
                known |= rows[i].bit;
        }
    }
    return known;
}

/* Of one command; the others are of the second. */
enum { FIRST_COMMAND = XFORWARD_NAME | XFORWARD_ADDR | XFORWARD_PORT };

static struct str value_of(const struct deliver_request *request, size_t row)
{
    struct str value = deliver_attribute(&request->attributes, str_from_c(rows[row].attribute));

    /* The message's first id here, if it came from a client at all. */
    if (rows[row].bit == XFORWARD_IDENT && value.len == 0 &&
        deliver_attribute(&request->attributes, STR("log_client_address")).len > 0)
        return request->queue_id;
    if (rows[row].bit == XFORWARD_SOURCE)
        return str_equal(value, STR("local")) ? STR("LOCAL") : STR("REMOTE");
    return str_part(value, 0, VALUE_MAX);
}

static void append_value(struct strbuf *out, enum xforward_attribute attribute, struct str value)
{
    if ((attribute & FIRST_COMMAND) != 0 && str_equal(value, STR("unknown")))
        strbuf_append(out, STR("[UNAVAILABLE]"));
    else if (attribute == XFORWARD_ADDR && str_contains_char(value, ':') &&
             !str_starts_with_nocase(value, STR("ipv6:")))
        strbuf_printf(out, "IPV6:%.*s", STR_ARG(value));
    else
        xtext_encode(out, value, "");
}

/* The command that tells of these; none if there is nothing to tell. */
static void add_command(struct strlist *commands, struct arena *arena, const struct deliver_request *request,
                        unsigned attributes)
{
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str value = value_of(request, i);

        if ((attributes & rows[i].bit) == 0 || value.len == 0)
            continue;
        strbuf_printf(&line, "%s %s=", line.len == 0 ? "XFORWARD" : "", rows[i].name);
        append_value(&line, rows[i].bit, value);
    }
    if (line.len > 0) {
        strbuf_append(&line, STR("\r\n"));
        strlist_add(commands, arena, strbuf_str(&line));
    }
    strbuf_done(&line);
}

struct strlist xforward_commands(struct arena *arena, const struct deliver_request *request, unsigned known)
{
    struct strlist commands = { 0 };

    add_command(&commands, arena, request, known & FIRST_COMMAND);
    add_command(&commands, arena, request, known & ~(unsigned) FIRST_COMMAND);
    return commands;
}

static bool is_first(struct str command)
{
    struct str rest = str_from(command, sizeof "XFORWARD" - 1 + 1);

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if ((rows[i].bit & FIRST_COMMAND) != 0 && str_starts_with(rest, str_from_c(rows[i].name)))
            return true;
    }
    return false;
}

const char *xforward_command_name(struct str command)
{
    return is_first(command) ? "XFORWARD name/address command" : "XFORWARD helo/protocol command";
}

const char *xforward_doing(struct str command)
{
    return is_first(command) ? "sending XFORWARD name/address" : "sending XFORWARD helo/protocol";
}
