/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/history.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/dialogue.h"
#include "log/log.h"
#include "notice/transcript.h"
#include "protocol/cleanup.h"
#include "smtp/session.h"
#include "smtp/smtp.h"

void history_start(struct smtp *smtp, struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    const struct shared_settings *shared = daemon_shared(daemon);
    struct str path = arena_printf(arena, "public/%.*s", STR_ARG(shared->cleanup_service_name));

    smtp->shared = shared;
    smtp->notice_classes = notice_classes(&smtp->settings->notify_classes) & NOTICE_PROTOCOL;
    smtp->cleanup = daemon_endpoint(daemon, arena_c(arena, path), &cleanup_protocol);
}

void history_begin(struct smtp_session *session)
{
    transcript_init(&session->transcript, session->smtp->notice_classes);
}

void history_client_said(struct smtp_session *session, struct str commands)
{
    struct str line;

    if (session->debug_level > 0)
        log_dialogue_out(session->name_address_port, commands);
    while (session->smtp->notice_classes != 0 && commands.len > 0) {
        str_cut(commands, '\n', &line, &commands);
        transcript_add_out(&session->transcript, str_trim_right(line));
    }
}

void history_server_said(struct smtp_session *session, struct str line)
{
    if (session->debug_level > 0)
        log_dialogue_in(session->name_address_port, line);
    transcript_add_in(&session->transcript, line);
}

/* RFC 5321 section 4.2.1: x0z says that the command was not understood; so does 555. */
void history_refused(struct smtp_session *session)
{
    int code = session->reply.code;

    if (code < 400 || (code >= 500 && code < 510) || code == 555 || code > 599)
        session->transcript.seen |= NOTICE_PROTOCOL;
}

static void send_to_postmaster(struct smtp_session *session)
{
    struct str server = session->name_address_port;
    const struct transcript_mail mail = {
        .shared = session->smtp->shared,
        .cleanup = session->smtp->cleanup,
        .recipient = session->smtp->settings->error_notice_recipient,
        .subject = arena_printf(session->arena, "SMTP client: errors from %.*s", STR_ARG(server)),
        .opening = arena_printf(session->arena, "Unexpected response from %.*s.", STR_ARG(server)),
    };
    struct failure why;

    if (!transcript_send(&session->transcript, &mail, &why))
        log_warning("postmaster notify: %s", why.text);
}

void history_end(struct smtp_session *session)
{
    if (transcript_is_wanted(&session->transcript))
        send_to_postmaster(session);
    transcript_done(&session->transcript);
}
