/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/encryption.h"

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "os/fd.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"
#include "protocol/handed_session.h"
#include "protocol/tlsproxy.h"
#include "run/stream.h"

enum {
    IDLE_SECONDS = 24 * 3600, /* smtpd has its own time limits; here it is for what nobody has an eye on */
    GRACE_SECONDS = 10,
};

/* What is known of the connection, for smtpd. */
static bool keep_facts(struct client *client, const struct tlsproxy_session *session, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf bytes;
    struct tlsproxy_session facts = *session;
    int none;

    facts.stream = -1;
    strbuf_init(&bytes, HANDED_TLS_MAXIMUM);
    if (!message_encode(&tlsproxy_session_message, &facts, &bytes, &none, why))
        return false;
    client->tls = arena_str(client->arena, strbuf_str(&bytes));
    return true;
}

/* From now on the connection is the clear socket; what came in clear before is gone. */
static bool change_stream(struct client *client, int fd, struct failure *why)
{
    struct daemon_session *connection = client->connection;
    struct duration timeout = stream_timeout(connection->stream);
    struct stream *stream;

    if (!stream_create(client->postscreen->loop, fd, timeout, &stream, why))
        return false;
    stream_destroy(&connection->stream);
    connection->stream = stream;
    connection->fd = fd;
    return true;
}

static bool shake_hands(struct client *client, struct call *call, struct failure *why)
{
    struct duration timeout = { client->settings->starttls_timeout.us + seconds(GRACE_SECONDS).us };
    const struct tlsproxy_session *session;
    int fd;

    if (!tlsproxy_start(call, client->connection->fd, timeout, client->arena, &session, why))
        return false;
    if (session->stream < 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "the handshake failed");
    if (keep_facts(client, session, why))
        return change_stream(client, session->stream, why);
    fd = session->stream;
    fd_close(&fd);
    return false;
}

enum encryption_result encryption_begin(struct client *client)
{
    const struct tlsproxy_request request = {
        .peer = arena_printf(client->arena, "[%.*s]:%.*s", STR_ARG(client->address), STR_ARG(client->port)),
        .handshake_s = (uint64_t) duration_seconds(client->settings->starttls_timeout),
        .idle_s = IDLE_SECONDS,
    };
    struct failure why;
    struct call *call;
    bool is_done;

    if (!tlsproxy_ask(client->postscreen->tlsproxy, &request, client->arena, &call, &why))
        log_no_answer(client, "tlsproxy", why.text);
    if (call == NULL)
        return ENCRYPTION_UNAVAILABLE;
    client_answer(client, STR("220 2.0.0 Ready to start TLS"));
    is_done = shake_hands(client, call, &why);
    call_end(&call);
    return is_done ? ENCRYPTION_DONE : ENCRYPTION_FAILED;
}
