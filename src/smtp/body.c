/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/body.h"

#include "config/shared_settings.h"
#include "delivery/content.h"
#include "log/dialogue.h"
#include "protocol/cleanup.h"
#include "run/fiber.h"
#include "smtp/attempt.h"
#include "smtp/generic.h"
#include "smtp/log_lines.h"
#include "smtp/outgoing.h"
#include "smtp/pix.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/wire_body.h"

enum { BODY_CHUNK = 32 * 1024 };

/* The content on its way out. */
struct body_stream {
    struct wire_body wire;
    struct outgoing *outgoing; /* NULL: it goes out as it is */
    struct strbuf changed;
    struct strbuf out;
};

bool body_needs_conversion(const struct smtp_session *session, const struct deliver_request *request)
{
    return (session->extensions.offered & SMTP_EXTENSION_8BITMIME) == 0 && request->encoding != BODY_ENCODING_7BIT &&
           request->encoding != BODY_ENCODING_FOUND_7BIT && !session->smtp->settings->disable_mime_output_conversion;
}

static enum table_result map_address(void *context, struct arena *arena, struct str *address, struct failure *why)
{
    return generic_map(context, arena, address, why);
}

static struct outgoing *make_outgoing(const struct smtp_session *session, const struct deliver_request *request)
{
    const struct smtp *smtp = session->smtp;
    const struct outgoing_options options = {
        .loop = smtp->loop,
        .queue_id = request->queue_id,
        .checks = smtp->tables.checks,
        .encodes_8bit = body_needs_conversion(session, request),
        .line_limit = (size_t) smtp->shared->line_length_limit,
        .boundary_limit = (size_t) smtp->shared->mime_boundary_length_limit,
        .nesting_limit = (size_t) smtp->shared->mime_nesting_limit,
        .map = smtp->generic == NULL ? NULL : map_address,
        .map_context = smtp->generic,
        .address_limit = (size_t) smtp->settings->header_address_token_limit,
    };

    return outgoing_create(&options);
}

static void body_stream_init(struct body_stream *body, const struct smtp_session *session,
                             const struct deliver_request *request)
{
    uint64_t size = request->size;

    *body = (struct body_stream){ .outgoing = make_outgoing(session, request) };
    wire_body_init(&body->wire, (size_t) session->smtp->settings->line_length_limit);
    strbuf_init(&body->out, STRBUF_UNLIMITED);
    strbuf_init(&body->changed, STRBUF_UNLIMITED);
    strbuf_reserve(&body->out, size < BODY_CHUNK ? (size_t) size * 9 / 8 + 64 : 2 * BODY_CHUNK);
}

static void body_stream_done(struct body_stream *body)
{
    outgoing_destroy(&body->outgoing);
    strbuf_done(&body->changed);
    strbuf_done(&body->out);
}

/* An empty piece is the last. */
static enum outgoing_result body_stream_add(struct body_stream *body, struct str piece, struct failure *why)
{
    bool is_last = piece.len == 0;

    if (body->outgoing != NULL) {
        enum outgoing_result result;

        strbuf_clear(&body->changed);
        result = outgoing_add(body->outgoing, piece, is_last, &body->changed, why);
        if (result != OUTGOING_GOOD)
            return result;
        piece = strbuf_str(&body->changed);
    }
    wire_body_add(&body->wire, piece, &body->out);
    return OUTGOING_GOOD;
}

static bool send_chunk(struct smtp_session *session, struct strbuf *out)
{
    session_write(session, strbuf_str(out));
    strbuf_clear(out);
    return !session->is_mute;
}

/* out: the end of the content with the final dot, which goes in a packet of its own. */
static void send_late_dot(struct smtp_session *session, struct strbuf *out)
{
    struct str dot = STR(".\r\n");

    strbuf_truncate(out, out->len - dot.len);
    send_chunk(session, out);
    session_flush(session);
    fiber_sleep(session->smtp->loop, session->smtp->settings->pix_workaround_delay_time);
    session_write(session, dot);
}

static void send_end(struct smtp_session *session, const struct attempt *attempt, struct body_stream *body)
{
    wire_body_end(&body->wire, &body->out);
    if (session->debug_level > 0)
        log_dialogue_out(session->name_address_port, STR("."));
    if ((attempt_pix_workarounds(attempt, session) & PIX_DELAY_DOTCRLF) != 0)
        send_late_dot(session, &body->out);
    else
        send_chunk(session, &body->out);
}

static struct trouble unreadable(struct arena *arena, const struct deliver_request *request, const struct failure *why)
{
    smtp_log_unreadable(request->queue_id, why->text);
    return trouble_local(arena, DSN_STATUS(4, 3, 0), "message could not be read");
}

static bool send_pieces(struct smtp_session *session, const struct attempt *attempt, struct content *content,
                        struct body_stream *body, struct trouble *trouble_out)
{
    const struct delivery *delivery = attempt->delivery;
    enum outgoing_result result;
    struct failure why;
    struct str piece;

    do {
        result = content_next(content, &piece, &why) ? body_stream_add(body, piece, &why) : OUTGOING_NOT_MAPPED;
        if (result == OUTGOING_NOT_CHECKED) {
            *trouble_out = trouble_about(delivery->arena, session, DSN_STATUS(4, 3, 0),
                                         "local data error while talking to %.*s", STR_ARG(session->name_address));
            return false;
        }
        if (result != OUTGOING_GOOD) {
            *trouble_out = unreadable(delivery->arena, delivery->request, &why);
            return false;
        }
        if (body->out.len >= BODY_CHUNK && !send_chunk(session, &body->out))
            return true;
    } while (piece.len > 0);
    send_end(session, attempt, body);
    return true;
}

static unsigned minimum_rate(const struct smtp_settings *settings)
{
    return settings->per_request_deadline ? (unsigned) settings->min_data_rate : 0;
}

bool body_send(struct smtp_session *session, const struct attempt *attempt, struct str head,
               struct trouble *trouble_out)
{
    const struct smtp_settings *settings = session->smtp->settings;
    const struct deliver_request *request = attempt->delivery->request;
    struct body_stream body;
    struct content content;
    bool is_sent;

    body_stream_init(&body, session, request);
    wire_body_add(&body.wire, head, &body.out);
    content_open(&content, attempt->delivery->loop, request);
    session_set_timeout(session, settings->data_xfer_timeout, minimum_rate(settings));
    is_sent = send_pieces(session, attempt, &content, &body, trouble_out);
    content_close(&content);
    if (body.wire.has_broken)
        smtp_log_breaking_lines(request->queue_id, settings->line_length_limit);
    body_stream_done(&body);
    return is_sent;
}
