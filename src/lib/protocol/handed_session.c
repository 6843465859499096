/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/handed_session.h"

#include "run/socket.h"
#include "run/stream.h"

#define OWNER struct handed_session
#define TEXT(member, maximum, meaning) MESSAGE_FIELD(OWNER, member, FIELD_STR, maximum, meaning)

static const struct message_field handed_session_fields[] = {
    TEXT(client_address, HANDED_TEXT_MAXIMUM, "of the client"),
    TEXT(client_port, HANDED_TEXT_MAXIMUM, "of the client"),
    TEXT(server_address, HANDED_TEXT_MAXIMUM, "what it connected to"),
    TEXT(server_port, HANDED_TEXT_MAXIMUM, "what it connected to"),
    MESSAGE_FIELD(OWNER, is_proxied, FIELD_BOOL, 1, "a proxy said so"),
    TEXT(helo, HANDED_LINE_MAXIMUM, "its HELO or EHLO, answered"),
    TEXT(mail, HANDED_LINE_MAXIMUM, "its MAIL, answered"),
    TEXT(recipient, HANDED_LINE_MAXIMUM, "its RCPT, which waits for an answer"),
    TEXT(tls, HANDED_TLS_MAXIMUM, "tlsproxy_session, encoded"),
};
MESSAGE_TYPE(handed_session);

bool handed_session_takes_line(struct str line)
{
    return str_find_any(line, "\r\n") == STR_NOT_FOUND && !str_contains_char(line, '\0');
}

bool handed_session_decode(struct str bytes, struct arena *arena, const struct handed_session **session_out,
                           struct failure *why)
{
    const struct handed_session *session;
    void *message;

    if (!message_decode(&handed_session_message, bytes, -1, arena, &message, why))
        return false;
    session = message;
    if (!handed_session_takes_line(session->helo) || !handed_session_takes_line(session->mail) ||
        !handed_session_takes_line(session->recipient))
        return failure_set(why, FAILURE_PROTOCOL, 0, "handed_session: a command is more than one line");
    *session_out = session;
    return true;
}

static bool send_all(struct stream *stream, int socket, struct str bytes, bool *may_be_given_out, struct failure *why)
{
    struct str nothing;

    *may_be_given_out = true;
    if (!stream_send_fd(stream, socket, bytes, why) || !stream_end_writing(stream, why))
        return false;
    /* The other end says nothing, and closes. */
    (void) !stream_read_some(stream, 1, &nothing, why);
    return stream_is_at_end(stream);
}

bool handed_session_give(struct loop *loop, const char *path, int socket, const struct handed_session *session,
                         struct duration timeout, bool *may_be_given_out, struct failure *why)
{
    CLEANUP(stream_destroy) struct stream *stream = NULL;
    CLEANUP(strbuf_done) struct strbuf bytes;
    int fd, none;

    *may_be_given_out = false;
    strbuf_init(&bytes, HANDED_BYTES_MAXIMUM);
    strbuf_append_char(&bytes, '\n');
    return message_encode(&handed_session_message, session, &bytes, &none, why) &&
           socket_connect_unix(loop, path, timeout, &fd, why) && stream_create(loop, fd, timeout, &stream, why) &&
           send_all(stream, socket, strbuf_str(&bytes), may_be_given_out, why);
}
