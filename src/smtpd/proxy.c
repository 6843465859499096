/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/proxy.h"

#include "mail/proxy_header.h"
#include "run/loop.h"
#include "run/stream.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static bool is_expected(const struct session *session)
{
    return session->settings->upstream_proxy_protocol == UPSTREAM_PROXY_HAPROXY && !session->smtpd->is_standalone &&
           session->handed == NULL;
}

static bool is_trusted(const struct session *session)
{
    struct failure why;

    switch (match_list_has_host(session->smtpd->proxy_networks, STR("unknown"), session->peer.address, &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("smtpd_upstream_proxy_networks"), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return false;
}

static bool refuse(const char *problem, struct str input)
{
    log_proxy_trouble(problem, input);
    return false;
}

/* Reads on while the header is not whole. */
static bool read_header(struct session *session, struct proxy_header *header)
{
    enum proxy_header_result result;
    const char *problem = NULL;
    struct failure why;
    bool is_all = false;

    for (;;) {
        struct str input = stream_buffered(session->stream);

        result =
            input.len == 0 && !is_all ? PROXY_HEADER_NEEDS_MORE : proxy_header_parse(input, is_all, header, &problem);
        if (result == PROXY_HEADER_DONE)
            return true;
        if (result == PROXY_HEADER_BAD)
            return refuse(problem, input);
        if (stream_fill(session->stream, &why))
            continue;
        if (input.len == 0)
            return refuse(why.kind == FAILURE_TIMEOUT ? "timeout error" : "EOF", STR_EMPTY);
        is_all = true;
    }
}

/* What follows the addresses of version 2 says nothing that is asked. */
static bool drop_header(struct session *session, size_t length)
{
    struct failure why;
    struct str piece;

    while (length > 0) {
        size_t maximum = length < STREAM_READ_MAX ? length : STREAM_READ_MAX;

        if (!stream_read_some(session->stream, maximum, &piece, &why))
            return refuse("short version 2 protocol header", STR_EMPTY);
        length -= piece.len;
    }
    return true;
}

bool proxy_receive(struct session *session)
{
    struct smtpd *smtpd = session->smtpd;
    struct proxy_header header;
    bool is_received;

    if (!is_expected(session) || !is_trusted(session))
        return true;
    stream_set_deadline(session->stream, instant_add(loop_now(smtpd->loop), smtpd->settings->upstream_proxy_timeout));
    is_received = read_header(session, &header) && drop_header(session, header.length);
    stream_set_deadline(session->stream, STREAM_NO_DEADLINE);
    session->is_proxied = is_received && !header.is_local;
    if (session->is_proxied)
        peer_set_addresses(&session->peer, session->arena, &header);
    return is_received;
}

bool proxy_is_forged(struct session *session, struct str line)
{
    if (!is_expected(session) || session->is_proxied || is_trusted(session) ||
        !proxy_header_is_begun(line, stream_buffered(session->stream)))
        return false;
    log_forged_proxy_header(session, line);
    return true;
}
