/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/trouble.h"

#include "smtp/session.h"

#include <stdarg.h>

bool trouble_is_permanent(const struct trouble *trouble)
{
    return trouble->dsn.class == 5;
}

PRINTF_LIKE(2, 0) static struct str format_text(struct arena *arena, const char *format, va_list args)
{
    struct strbuf out;
    struct str text;

    strbuf_init(&out, STRBUF_UNLIMITED);
    strbuf_vprintf(&out, format, args);
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}

struct trouble trouble_local(struct arena *arena, struct dsn_status dsn, const char *format, ...)
{
    struct trouble trouble = { .dsn = dsn };
    va_list args;

    va_start(args, format);
    trouble.text = format_text(arena, format, args);
    va_end(args);
    return trouble;
}

static struct trouble about(struct arena *arena, const struct smtp_session *session, struct dsn_status dsn)
{
    return (struct trouble){ .dsn = dsn, .relay = arena_str(arena, session->name_address_port), .uses = session->uses };
}

struct trouble trouble_about(struct arena *arena, const struct smtp_session *session, struct dsn_status dsn,
                             const char *format, ...)
{
    struct trouble trouble = about(arena, session, dsn);
    va_list args;

    va_start(args, format);
    trouble.text = format_text(arena, format, args);
    va_end(args);
    return trouble;
}

/* A reply that refuses without being a refusal is the server's mistake. */
static struct dsn_status status_of_refusal(const struct smtp_reply *reply)
{
    if (reply->code == 0)
        return DSN_STATUS(4, 5, 0);
    return smtp_reply_class(reply) < 4 ? DSN_STATUS(5, 5, 0) : reply->dsn;
}

static void add_reply(struct trouble *trouble, struct arena *arena, const struct smtp_session *session,
                      struct str reply)
{
    trouble->remote_mta = arena_str(arena, session->host);
    trouble->diagnostic = reply;
}

struct trouble trouble_said_of(struct arena *arena, const struct smtp_session *session, const char *format, ...)
{
    struct trouble trouble = about(arena, session, status_of_refusal(&session->reply));
    va_list args;

    va_start(args, format);
    trouble.text = format_text(arena, format, args);
    va_end(args);
    add_reply(&trouble, arena, session, smtp_reply_on_one_line(&session->reply, arena));
    return trouble;
}

struct trouble trouble_said(struct arena *arena, const struct smtp_session *session, const char *command)
{
    struct str text = smtp_reply_on_one_line(&session->reply, arena);
    struct trouble trouble = about(arena, session, status_of_refusal(&session->reply));

    trouble.text = arena_printf(arena, "host %.*s said: %.*s (in reply to %s)", STR_ARG(session->name_address),
                                STR_ARG(text), command);
    add_reply(&trouble, arena, session, text);
    return trouble;
}

struct trouble trouble_refused(struct arena *arena, const struct smtp_session *session)
{
    struct str text = smtp_reply_on_one_line(&session->reply, arena);
    struct trouble trouble = about(arena, session, status_of_refusal(&session->reply));

    trouble.text =
        arena_printf(arena, "host %.*s refused to talk to me: %.*s", STR_ARG(session->name_address), STR_ARG(text));
    add_reply(&trouble, arena, session, text);
    return trouble;
}

struct trouble trouble_lost(struct arena *arena, const struct smtp_session *session, const struct failure *why,
                            const char *doing)
{
    struct trouble trouble = about(arena, session, DSN_STATUS(4, 4, 2));

    trouble.text =
        why->kind == FAILURE_TIMEOUT
            ? arena_printf(arena, "conversation with %.*s timed out while %s", STR_ARG(session->name_address), doing)
            : arena_printf(arena, "lost connection with %.*s while %s", STR_ARG(session->name_address), doing);
    return trouble;
}
