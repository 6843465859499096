/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/log_lines.h"

#include "base/strbuf.h"
#include "log/address.h"
#include "log/log.h"
#include "mail/quote.h"

enum { SHOWN_OF_ADDRESS = 100, SHOWN_OF_TEXT = 200, SHOWN_OF_BAD_MIME = 100 };

/* Keys of tables are shown as they are asked for: in external form. */
static struct str external(struct strbuf *buf, struct str address)
{
    strbuf_init(buf, STRBUF_UNLIMITED);
    quote_address(buf, address);
    return strbuf_str(buf);
}

void log_message_id(struct str queue_id, bool is_resent, struct str id)
{
    log_info("%.*s: %smessage-id=%.*s", STR_ARG(queue_id), is_resent ? "resent-" : "", STR_ARG(id));
}

void log_map_problem(struct str queue_id, struct str maps, struct str address, struct str reason)
{
    struct strbuf buf;
    struct str key = external(&buf, address);

    log_warning("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(key));
    strbuf_done(&buf);
}

void log_copy_problem(struct str queue_id, struct str maps, struct str reason)
{
    log_warning("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps));
}

void log_map_unreasonable(struct str queue_id, struct str maps, const char *what, struct str address)
{
    struct strbuf buf;
    struct str shown = str_part(external(&buf, address), 0, SHOWN_OF_ADDRESS);

    log_warning("%.*s: unreasonable %.*s %s for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), what, STR_ARG(shown));
    strbuf_done(&buf);
}

/* The result may be as long as a table's value can be: its beginning tells enough. */
void log_map_long_result(struct str queue_id, struct str maps, struct str result)
{
    log_warning("%.*s: unreasonable %.*s result %.*s... -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(str_part(result, 0, SHOWN_OF_ADDRESS)));
}

void log_map_many(struct str queue_id, struct str maps, struct str address)
{
    struct strbuf buf;
    struct str key = external(&buf, address);

    log_warning("%.*s: multi-valued %.*s entry for %.*s", STR_ARG(queue_id), STR_ARG(maps), STR_ARG(key));
    strbuf_done(&buf);
}

/* "; from=<> to=<> proto=ESMTP helo=<x>" */
static void append_envelope(struct strbuf *line, const struct log_origin *origin)
{
    strbuf_append(line, STR("; from=<"));
    log_append_address(line, origin->sender);
    strbuf_append_char(line, '>');
    if (origin->recipient.len > 0) {
        strbuf_append(line, STR(" to=<"));
        log_append_address(line, origin->recipient);
        strbuf_append_char(line, '>');
    }
    if (origin->protocol.len > 0)
        strbuf_printf(line, " proto=%.*s", STR_ARG(origin->protocol));
    if (origin->helo.len > 0)
        strbuf_printf(line, " helo=<%.*s>", STR_ARG(origin->helo));
}

static void append_origin(struct strbuf *line, const struct log_origin *origin)
{
    strbuf_printf(line, " from %.*s", STR_ARG(origin->client));
    append_envelope(line, origin);
}

/* A NUL would end the line. */
static const char *without_nul(struct strbuf *line)
{
    for (size_t i = 0; i < line->len; i++) {
        if (line->data[i] == '\0')
            line->data[i] = '?';
    }
    return strbuf_c(line);
}

void log_inspection(struct str queue_id, const char *action, const char *context, struct str text,
                    const struct log_origin *origin, struct str words)
{
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    strbuf_append(&line, str_part(text, 0, SHOWN_OF_TEXT));
    append_origin(&line, origin);
    if (words.len > 0) {
        strbuf_append(&line, STR(": "));
        strbuf_append(&line, words);
    }
    log_info("%.*s: %s: %s %s", STR_ARG(queue_id), action, context, without_nul(&line));
    strbuf_done(&line);
}

void log_mime_error(struct str queue_id, struct str reason, struct str text, const struct log_origin *origin)
{
    struct log_origin shown = {
        .client = origin->client,
        .sender = origin->sender,
        .recipient = origin->recipient.len > 0 ? origin->recipient : STR("unknown"),
    };
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    strbuf_append(&line, str_part(text, 0, SHOWN_OF_BAD_MIME));
    append_origin(&line, &shown);
    log_info("%.*s: reject: mime-error %.*s: %s", STR_ARG(queue_id), STR_ARG(reason), without_nul(&line));
    strbuf_done(&line);
}

void log_checks_problem(struct str queue_id, struct str maps, struct str reason)
{
    log_warning("%.*s", STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps));
}

void log_bad_rule(struct str complaint)
{
    log_warning("%.*s", STR_ARG(complaint));
}

void log_too_many_hops(struct str queue_id)
{
    log_warning("%.*s: message rejected: hopcount exceeded", STR_ARG(queue_id));
}

void log_rewrite_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: address rewriting problem: %s", STR_ARG(queue_id), reason);
}

void log_write_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: write queue file: %s", STR_ARG(queue_id), reason);
}

void log_disk_fails(const char *reason)
{
    log_error("the queue's disk fails, no mail is taken: %s", reason);
}

void log_disk_works(const char *which)
{
    log_info("the queue's disk works again: %s", which);
}

void log_milter_action(struct str queue_id, const char *action, const char *stage, const struct log_origin *origin,
                       struct str words)
{
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    strbuf_printf(&line, "%s from %.*s: ", stage, STR_ARG(origin->client));
    strbuf_append(&line, words);
    append_envelope(&line, origin);
    log_info("%.*s: milter-%s: %.*s", STR_ARG(queue_id), action, (int) line.len, strbuf_c(&line));
    strbuf_done(&line);
}

void log_milter_many_senders(struct str queue_id, struct str address)
{
    log_warning("%.*s: Milter request to add multi-sender: \"%.*s\"", STR_ARG(queue_id), STR_ARG(address));
}

void log_milter_many_recipients(struct str queue_id, struct str address)
{
    log_warning("%.*s: Milter or header/body_checks request to add multi-recipient: \"%.*s\"", STR_ARG(queue_id),
                STR_ARG(address));
}

void log_milter_bad_sender_argument(struct str argument)
{
    log_warning("Ignoring bad ESMTP parameter \"%.*s\" in SMFI_CHGFROM request",
                STR_ARG(str_part(argument, 0, SHOWN_OF_ADDRESS)));
}

void log_milter_bad_argument(struct str queue_id, const char *name, struct str argument)
{
    log_warning("%.*s: Bad %s parameter from Milter or header/body_checks: \"%.*s\"", STR_ARG(queue_id), name,
                STR_ARG(str_part(argument, 0, SHOWN_OF_ADDRESS)));
}

void log_milter_ignored_argument(struct str queue_id, struct str argument)
{
    log_warning("%.*s: ignoring ESMTP argument from Milter or header/body_checks: \"%.*s\"", STR_ARG(queue_id),
                STR_ARG(str_part(argument, 0, SHOWN_OF_ADDRESS)));
}

void log_milter_null_recipient(struct str queue_id)
{
    log_warning("%.*s: ignoring attempt from Milter to add null recipient", STR_ARG(queue_id));
}

void log_milter_refuses_recipient(struct str queue_id)
{
    log_warning("%.*s: milter configuration error: can't reject recipient in non-smtpd(8) submission",
                STR_ARG(queue_id));
    log_warning("%.*s: message not accepted, try again later", STR_ARG(queue_id));
}
