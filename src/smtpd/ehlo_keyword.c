/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/ehlo_keyword.h"

#include "auth/auth_mechanisms.h"
#include "base/arena.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

#include <inttypes.h>

/* In the order of the answer to EHLO. */
static const struct {
    const char *name;
    unsigned bit;
} keywords[] = {
    { "PIPELINING", KEYWORD_PIPELINING },
    { "SIZE", KEYWORD_SIZE },
    { "VRFY", KEYWORD_VRFY },
    { "ETRN", KEYWORD_ETRN },
    { "STARTTLS", KEYWORD_STARTTLS },
    { "AUTH", KEYWORD_AUTH },
    { "XVERP", KEYWORD_XVERP },
    { "XCLIENT", KEYWORD_XCLIENT },
    { "XFORWARD", KEYWORD_XFORWARD },
    { "ENHANCEDSTATUSCODES", KEYWORD_ENHANCEDSTATUSCODES },
    { "8BITMIME", KEYWORD_8BITMIME },
    { "DSN", KEYWORD_DSN },
    { "SMTPUTF8", KEYWORD_SMTPUTF8 },
    { "CHUNKING", KEYWORD_CHUNKING },
    { "silent-discard", KEYWORD_SILENT },
};

/* In the order in which Postfix names them. */
static const char *const logged[] = {
    "8BITMIME", "AUTH",     "ETRN",     "PIPELINING", "SIZE",
    "VRFY",     "XCLIENT",  "XFORWARD", "STARTTLS",   "ENHANCEDSTATUSCODES",
    "DSN",      "SMTPUTF8", "CHUNKING",
};

/* Who may have XVERP is another list's matter. */
static unsigned bit_of(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (keywords[i].bit != KEYWORD_XVERP && str_equal_nocase(name, str_from_c(keywords[i].name)))
            return keywords[i].bit;
    }
    return 0;
}

unsigned ehlo_keyword_mask(struct str list)
{
    unsigned mask = 0;
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word))
        mask |= bit_of(word);
    return mask;
}

unsigned ehlo_keyword_discarded(struct session *session)
{
    struct smtpd *smtpd = session->smtpd;
    struct failure why;
    struct str value;

    if (table_list_is_empty(smtpd->discard_ehlo_keyword_maps))
        return smtpd->discarded_keywords;
    switch (table_list_find(smtpd->discard_ehlo_keyword_maps, session->peer.address, TABLE_ANY_KIND, session->arena,
                            &value, &why)) {
    case TABLE_FOUND:
        return ehlo_keyword_mask(value);
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(smtpd->discard_ehlo_keyword_maps), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return smtpd->discarded_keywords;
}

void ehlo_keyword_log(unsigned discarded)
{
    struct strbuf names;

    if (discarded == 0 || (discarded & KEYWORD_SILENT))
        return;
    strbuf_init(&names, 400);
    for (size_t i = 0; i < ARRAY_COUNT(logged); i++) {
        if (discarded & bit_of(str_from_c(logged[i])))
            strbuf_printf(&names, "%s%s", names.len > 0 ? " " : "", logged[i]);
    }
    log_discarding_keywords(strbuf_str(&names));
    strbuf_done(&names);
}

/* What is switched off, or not for this client. */
static unsigned disabled_keywords(const struct session *session)
{
    const struct smtpd *smtpd = session->smtpd;
    unsigned mask = KEYWORD_SILENT;

    if (session->verp_permission != PERMISSION_GIVEN)
        mask |= KEYWORD_XVERP;
    if (session->xclient_permission != PERMISSION_GIVEN)
        mask |= KEYWORD_XCLIENT;
    if (session->xforward_permission != PERMISSION_GIVEN)
        mask |= KEYWORD_XFORWARD;
    if (smtpd->settings->disable_vrfy_command)
        mask |= KEYWORD_VRFY;
    if (!encryption_is_offered(session))
        mask |= KEYWORD_STARTTLS;
    if (!smtpd->shared->smtputf8_enable)
        mask |= KEYWORD_SMTPUTF8;
    return mask;
}

/* "250 AUTH PLAIN LOGIN", or with '=' for clients that know it so. */
static void append_mechanisms(struct strbuf *out, const struct auth_mechanisms *mechanisms, char separator)
{
    strbuf_printf(out, "250 AUTH%c", separator);
    for (size_t i = 0; i < mechanisms->count; i++) {
        if (i > 0)
            strbuf_append_char(out, ' ');
        strbuf_append(out, mechanisms->items[i].name);
    }
}

/* A new line, which makes the one before one that goes on. */
static void begin_line(struct strbuf *out, size_t *last)
{
    out->data[*last + 3] = '-';
    strbuf_append_char(out, '\n');
    *last = out->len;
}

void ehlo_keyword_append(const struct session *session, const struct auth_mechanisms *mechanisms, struct strbuf *out)
{
    unsigned hidden = session->discarded_keywords | disabled_keywords(session);
    int64_t limit = session->smtpd->shared->message_size_limit;
    size_t last = 0;

    if (mechanisms->count == 0)
        hidden |= KEYWORD_AUTH;

    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (hidden & keywords[i].bit)
            continue;
        begin_line(out, &last);
        if (keywords[i].bit == KEYWORD_AUTH) {
            append_mechanisms(out, mechanisms, ' ');
            if (session->settings->sasl.broken_clients) {
                begin_line(out, &last);
                append_mechanisms(out, mechanisms, '=');
            }
            continue;
        }
        strbuf_printf(out, "250 %s", keywords[i].name);
        if (keywords[i].bit == KEYWORD_SIZE && limit > 0)
            strbuf_printf(out, " %" PRId64, limit);
        else if (keywords[i].bit == KEYWORD_XCLIENT)
            strbuf_append_c(out, " NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT");
        else if (keywords[i].bit == KEYWORD_XFORWARD)
            strbuf_append_c(out, " NAME ADDR PROTO HELO SOURCE PORT IDENT");
    }
}
