/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/history.h"

#include "log/dialogue.h"
#include "log/log.h"
#include "mail/dsn.h"
#include "notice/transcript.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

void history_begin(struct session *session)
{
    transcript_init(&session->transcript, session->smtpd->is_standalone ? 0 : session->smtpd->notice_classes);
}

void history_end(struct session *session)
{
    transcript_done(&session->transcript);
}

struct str history_without_secrets(struct session *session, struct str line)
{
    struct str rest = line, verb, method;

    if (!str_next_word(&rest, " \t", &verb) || !str_equal_nocase(verb, STR("AUTH")) ||
        !str_next_word(&rest, " \t", &method) || str_trim(rest).len == 0)
        return line;
    return arena_printf(session->command_arena, "%.*s %.*s ...", STR_ARG(verb), STR_ARG(method));
}

void history_client_said(struct session *session, struct str line)
{
    line = history_without_secrets(session, line);
    if (session->debug_level > 0)
        log_dialogue_in(session->peer.shown, line);
    /* A transcript has no blanks at the ends of its lines. */
    while (str_ends_with(line, STR(" ")))
        line.len--;
    transcript_add_in(&session->transcript, line);
}

void history_server_said(struct session *session, struct str text)
{
    if (session->debug_level > 0)
        log_dialogue_out(session->peer.shown, text);
    transcript_add_out(&session->transcript, text);
}

/* Unknown addresses are bounces that were spared; what could not be looked up, or is set up badly, is our own fault. */
static unsigned class_of_reject(struct str reply)
{
    struct dsn_status dsn;

    if (reply.len < 5 || !dsn_status_parse(str_part(reply, 4, str_find_char(str_from(reply, 4), ' ')), &dsn))
        return NOTICE_POLICY;
    if (dsn.subject == 1 && (dsn.detail == 0 || dsn.detail == 1) &&
        str_find(reply, STR(" rejected: User unknown")) != STR_NOT_FOUND)
        return NOTICE_BOUNCE;
    if (dsn.subject == 3 && dsn.detail == 0)
        return NOTICE_DATA;
    if (dsn.subject == 3 && dsn.detail == 1)
        return NOTICE_RESOURCE;
    /* An access table that cannot be read judges somebody: "<a@b.example>: Recipient address rejected: ...". */
    return dsn.subject == 3 && dsn.detail == 5 && str_find(reply, STR(" <")) == STR_NOT_FOUND ? NOTICE_SOFTWARE
                                                                                              : NOTICE_POLICY;
}

void history_next_is_reject(struct session *session, struct str reply)
{
    session->error_class = class_of_reject(reply);
}

void history_next_is(struct session *session, unsigned notice_class)
{
    session->error_class = notice_class;
}

void history_count_error(struct session *session)
{
    session->transcript.seen |= session->error_class != 0 ? session->error_class : (unsigned) NOTICE_PROTOCOL;
    session->error_class = 0;
}

void history_forgive(struct session *session)
{
    session->transcript.seen = 0;
}

static void send_to_postmaster(struct session *session, struct str reason)
{
    const struct smtpd *smtpd = session->smtpd;
    const struct transcript *transcript = &session->transcript;
    bool is_bounce = (transcript->seen & transcript->wanted & NOTICE_BOUNCE) != 0;
    struct strbuf subject;
    struct transcript_mail mail = {
        .shared = smtpd->shared,
        .cleanup = smtpd->cleanup,
        .recipient = is_bounce ? smtpd->settings->bounce_notice_recipient : smtpd->settings->error_notice_recipient,
        .reason = reason,
    };
    struct failure why;

    strbuf_init(&subject, STRBUF_UNLIMITED);
    strbuf_printf(&subject, "SMTP server: errors from %.*s", STR_ARG(session->peer.shown));
    mail.subject = strbuf_str(&subject);
    if (!transcript_send(transcript, &mail, &why))
        log_warning("postmaster notify: %s", why.text);
    strbuf_done(&subject);
}

void history_finish(struct session *session, struct str reason)
{
    if (transcript_is_wanted(&session->transcript))
        send_to_postmaster(session, reason);
    transcript_clear(&session->transcript);
}

void history_pause(struct session *session)
{
    if (session->transcript.lines > (size_t) session->settings->history_flush_threshold)
        history_finish(session, STR_EMPTY);
}
