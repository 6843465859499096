/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/client_attributes.h"

#include "base/strbuf.h"
#include "mail/domain.h"
#include "mail/xtext.h"
#include "smtpd/answer.h"
#include "smtpd/syntax.h"

enum { PORT_DIGITS = 5, PROTOCOL_MAXIMUM = 64 };

/* Whether the value may stand; it may be spelt anew. */
typedef bool check_value(struct str *value, struct arena *arena);

static bool is_name(struct str *value, struct arena *arena)
{
    (void) arena;
    return domain_is_valid_hostname(*value, false);
}

static bool is_address(struct str *value, struct arena *arena)
{
    static const struct str prefix = { "IPV6:", 5 };
    bool has_prefix = str_starts_with_nocase(*value, prefix);
    struct str text = has_prefix ? str_from(*value, prefix.len) : *value;
    char spelling[IP_ADDRESS_TEXT_MAX];
    struct ip_address ip;

    if (str_contains_char(text, ':') != has_prefix || !ip_address_parse(text, &ip))
        return false;
    *value = arena_str(arena, str_from_c(ip_address_format(&ip, spelling)));
    return true;
}

static bool is_port(struct str *value, struct arena *arena)
{
    (void) arena;
    return value->len <= PORT_DIGITS && syntax_is_number(*value);
}

static bool is_smtp(struct str *value, struct arena *arena)
{
    (void) arena;
    return str_equal_nocase(*value, STR("SMTP")) || str_equal_nocase(*value, STR("ESMTP"));
}

static bool is_protocol(struct str *value, struct arena *arena)
{
    (void) arena;
    return value->len <= PROTOCOL_MAXIMUM;
}

static bool is_source(struct str *value, struct arena *arena)
{
    (void) arena;
    if (str_equal_nocase(*value, STR("LOCAL")))
        *value = STR("LOCAL");
    else if (str_equal_nocase(*value, STR("REMOTE")))
        *value = STR("REMOTE");
    else
        return false;
    return true;
}

static bool is_anything(struct str *value, struct arena *arena)
{
    (void) value, (void) arena;
    return true;
}

static bool is_tamed(struct str *value, struct arena *arena)
{
    *value = syntax_tame_name(arena, *value);
    return true;
}

/* NULL: the command does not have it. */
static const struct {
    const char *name;
    check_value *checks[2]; /* by enum client_command */
} rows[CLIENT_ATTRIBUTE_COUNT] = {
    [CLIENT_NAME] = { "NAME", { is_name, is_name } },
    [CLIENT_REVERSE_NAME] = { "REVERSE_NAME", { is_name, NULL } },
    [CLIENT_ADDR] = { "ADDR", { is_address, is_address } },
    [CLIENT_PORT] = { "PORT", { is_port, is_port } },
    [CLIENT_PROTO] = { "PROTO", { is_smtp, is_protocol } },
    [CLIENT_HELO] = { "HELO", { is_tamed, is_anything } },
    [CLIENT_LOGIN] = { "LOGIN", { is_anything, NULL } },
    [CLIENT_DESTADDR] = { "DESTADDR", { is_address, NULL } },
    [CLIENT_DESTPORT] = { "DESTPORT", { is_port, NULL } },
    [CLIENT_IDENT] = { "IDENT", { NULL, is_anything } },
    [CLIENT_SOURCE] = { "SOURCE", { NULL, is_source } },
};

static int find(enum client_command command, struct str name)
{
    for (int i = 0; i < CLIENT_ATTRIBUTE_COUNT; i++) {
        if (rows[i].checks[command] != NULL && str_equal_nocase(name, str_from_c(rows[i].name)))
            return i;
    }
    return -1;
}

/* Out of xtext, up to a NUL: nothing behind one was meant for us. */
static struct str decode(struct str value, struct arena *arena)
{
    struct strbuf decoded;
    struct str text = value;

    strbuf_init(&decoded, CLIENT_ATTRIBUTE_MAXIMUM);
    if (xtext_decode(&decoded, value))
        text = strbuf_str(&decoded);
    if (str_contains_char(text, '\0'))
        text = str_part(text, 0, str_find_char(text, '\0'));
    text = arena_str(arena, text);
    strbuf_done(&decoded);
    return text;
}

static bool may_be_unknown(enum client_command command, int which)
{
    return command == CLIENT_XFORWARD || which != CLIENT_PROTO;
}

static bool is_name_attribute(int which)
{
    return which == CLIENT_NAME || which == CLIENT_REVERSE_NAME;
}

static void set(struct client_attributes *attributes, int which, struct str value, bool is_temporary)
{
    attributes->given |= 1U << which;
    attributes->values[which] = value;
    if (which == CLIENT_NAME)
        attributes->is_name_temporary = is_temporary;
    if (which == CLIENT_REVERSE_NAME)
        attributes->is_reverse_name_temporary = is_temporary;
}

static bool take_value(struct client_attributes *attributes, enum client_command command, int which, struct str value,
                       struct arena *arena)
{
    struct str decoded = decode(value, arena);
    bool is_temporary =
        command == CLIENT_XCLIENT && is_name_attribute(which) && str_equal_nocase(decoded, STR("[TEMPUNAVAIL]"));

    if (is_temporary || (may_be_unknown(command, which) && str_equal_nocase(decoded, STR("[UNAVAILABLE]")))) {
        decoded = STR_EMPTY;
    } else {
        if (command == CLIENT_XFORWARD)
            decoded = syntax_tame_name(arena, decoded);
        if (!rows[which].checks[command](&decoded, arena)) {
            attributes->values[which] = decoded;
            return false;
        }
    }
    set(attributes, which, decoded, is_temporary);
    if (command == CLIENT_XCLIENT && which == CLIENT_NAME && decoded.len > 0)
        set(attributes, CLIENT_REVERSE_NAME, decoded, false);
    return true;
}

bool client_attributes_take(struct client_attributes *attributes, enum client_command command, struct str argument,
                            struct arena *arena, struct str *reply_out)
{
    struct str word, name, value;
    int which;

    while (str_next_word(&argument, " \t", &word)) {
        if (!str_cut(word, '=', &name, &value) || value.len == 0) {
            *reply_out = STR("501 5.5.4 Error: attribute=value expected");
            return false;
        }
        if (value.len > CLIENT_ATTRIBUTE_MAXIMUM) {
            *reply_out = STR("501 5.5.4 Error: attribute value too long");
            return false;
        }
        which = find(command, name);
        if (which < 0) {
            *reply_out = arena_printf(arena, "501 5.5.4 Bad %s attribute name: %.*s",
                                      command == CLIENT_XCLIENT ? "XCLIENT" : "XFORWARD", STR_ARG(name));
            return false;
        }
        if (!take_value(attributes, command, which, value, arena)) {
            value = answer_tame(arena, attributes->values[which], '?');
            *reply_out = arena_printf(arena, "501 5.5.4 Bad %s syntax: %.*s", rows[which].name, STR_ARG(value));
            return false;
        }
    }
    return true;
}
