/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/dnsbl_reply.h"

#include "base/cursor.h"
#include "config/expand.h"
#include "mail/address.h"
#include "mail/dsn.h"
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/table_list.h"

enum { REPLY_MAXIMUM = 8192 };

struct names {
    const struct check *check;
    const struct dnsbl_finding *finding;
};

static struct str shown_address(struct str address)
{
    return address.len > 0 ? address : STR("<>");
}

static bool find_address_value(struct str name, struct str prefix, struct str address, struct str *value_out)
{
    if (!str_starts_with(name, prefix))
        return false;
    name = str_from(name, prefix.len);
    if (name.len == 0)
        *value_out = shown_address(address);
    else if (str_equal(name, STR("_name")))
        *value_out = shown_address(address_local(address));
    else if (str_equal(name, STR("_domain")))
        *value_out = address_domain(address);
    else
        return false;
    return true;
}

static bool find_client_value(const struct session *session, struct str name, struct arena *arena,
                              struct str *value_out)
{
    const struct peer *peer = &session->peer;

    if (str_equal(name, STR("client")))
        *value_out = arena_printf(arena, "%.*s[%.*s]", STR_ARG(peer->name), STR_ARG(peer->address));
    else if (str_equal(name, STR("client_address")))
        *value_out = peer->address;
    else if (str_equal(name, STR("client_name")))
        *value_out = peer->name;
    else if (str_equal(name, STR("reverse_client_name")))
        *value_out = peer->reverse_name;
    else if (str_equal(name, STR("helo_name")))
        *value_out = session->helo_name;
    else
        return false;
    return true;
}

static bool find_finding_value(const struct names *names, struct str name, struct str *value_out)
{
    const struct dnsbl_finding *finding = names->finding;
    const struct check *check = names->check;

    if (str_equal(name, STR("rbl_code")))
        *value_out = arena_printf(check->arena, "%d", check->smtpd->settings->maps_rbl_reject_code);
    else if (str_equal(name, STR("rbl_class")))
        *value_out = str_from_c(finding->class);
    else if (str_equal(name, STR("rbl_domain")))
        *value_out = finding->domain;
    else if (str_equal(name, STR("rbl_what")))
        *value_out = finding->what;
    else if (str_equal(name, STR("rbl_reason")) || str_equal(name, STR("rbl_txt")))
        *value_out = finding->reason;
    else
        return false;
    return true;
}

static char take_escaped(struct cursor *cursor)
{
    static const char letters[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";
    unsigned octal = 0;
    char c = cursor_peek(cursor);
    const char *place;

    if (c < '0' || c > '7') {
        (void) !cursor_take_char(cursor, &c);
        place = memchr(letters, c, sizeof(letters) - 1);
        return place == NULL ? c : meant[place - letters];
    }
    for (unsigned i = 0; i < 3 && cursor_peek(cursor) >= '0' && cursor_peek(cursor) <= '7'; i++) {
        octal = octal * 8 + (unsigned) (cursor_peek(cursor) - '0');
        (void) !cursor_take_char(cursor, &c);
    }
    return (char) octal;
}

struct str dnsbl_reply_filter(struct arena *arena, struct str text)
{
    struct cursor cursor = cursor_over(text);
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    char c;

    while (cursor_take_char(&cursor, &c))
        out[len++] = c == '\\' && !cursor_at_end(&cursor) ? take_escaped(&cursor) : c;
    return str_make(out, len);
}

/* What is not in smtpd_expansion_filter must not shape the reply. */
static struct str tame(const struct check *check, struct str value)
{
    char *text = arena_alloc(check->arena, value.len + 1);

    for (size_t i = 0; i < value.len; i++)
        text[i] = str_contains_char(check->smtpd->expansion_filter, value.data[i]) ? value.data[i] : '_';
    return str_make(text, value.len);
}

static bool find_value(void *context, struct str name, struct str *value_out)
{
    const struct names *names = context;
    const struct check *check = names->check;
    const struct transaction *transaction = &check->session->transaction;

    if (!find_finding_value(names, name, value_out) &&
        !find_client_value(check->session, name, check->arena, value_out) &&
        !find_address_value(name, STR("sender"), transaction->sender, value_out) &&
        !find_address_value(name, STR("recipient"), check->recipient, value_out)) {
        log_unknown_macro(name);
        return false;
    }
    *value_out = tame(check, *value_out);
    return true;
}

/* "554 5.7.1 text" or "554 text" into a whole reply. */
static struct str add_status(const struct check *check, struct str text)
{
    char buffer[DSN_STATUS_SIZE];
    struct str code = str_part(text, 0, 3), status;

    if (text.len < 4 || (code.data[0] != '4' && code.data[0] != '5') || !char_is_digit(code.data[1]) ||
        !char_is_digit(code.data[2]) || text.data[3] != ' ') {
        log_bad_rbl_code(text);
        return STR("450 4.7.1 Service unavailable");
    }
    status = dsn_status_format(
        dsn_split_text(str_from(text, 4), DSN_STATUS((unsigned char) (code.data[0] - '0'), 7, 1), true, &text), buffer);
    return arena_printf(check->arena, "%.*s %.*s %.*s", STR_ARG(code), STR_ARG(status), STR_ARG(text));
}

static bool fill_in(const struct names *names, struct str template, struct str *reply_out)
{
    const struct expand_source source = {
        .lookup = find_value,
        .context = (void *) names,
        .must_be_known = true,
        .maximum = REPLY_MAXIMUM,
    };
    struct strbuf text;
    struct failure why;
    bool is_good;

    strbuf_init(&text, STRBUF_UNLIMITED);
    is_good = expand_text(&source, template, &text, &why);
    if (is_good)
        *reply_out = add_status(names->check, strbuf_str(&text));
    else
        log_bad_rbl_template(names->finding->domain, template);
    strbuf_done(&text);
    return is_good;
}

struct str dnsbl_reply_make(const struct check *check, const struct dnsbl_finding *finding)
{
    const struct names names = { check, finding };
    struct smtpd *smtpd = check->smtpd;
    struct str template, reply = STR_EMPTY;
    struct failure why;

    switch (table_list_find(smtpd->rbl_reply_maps, finding->domain, TABLE_ANY_KIND, check->arena, &template, &why)) {
    case TABLE_FOUND:
        if (fill_in(&names, template, &reply))
            return reply;
        break;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(smtpd->rbl_reply_maps), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    if (!fill_in(&names, smtpd->settings->default_rbl_reply, &reply))
        return STR("450 4.7.1 Service unavailable");
    return reply;
}
