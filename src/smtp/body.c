/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/body.h"

#include "delivery/content.h"
#include "log/dialogue.h"
#include "protocol/cleanup.h"
#include "run/fiber.h"
#include "smtp/attempt.h"
#include "smtp/generic.h"
#include "smtp/generic_headers.h"
#include "smtp/log_lines.h"
#include "smtp/mime_downgrade.h"
#include "smtp/pix.h"
#include "smtp/session.h"
#include "smtp/smtp.h"
#include "smtp/wire_body.h"

enum { BODY_CHUNK = 32 * 1024 };

/* The content on its way out: what the server cannot take is made fit first. */
struct body_stream {
    struct wire_body wire;
    struct mime_downgrade *downgrade; /* NULL: none needed */
    struct strbuf seven_bit;
    struct generic_headers *generic; /* NULL: no address is to be mapped */
    struct strbuf mapped;
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

static void body_stream_init(struct body_stream *body, const struct smtp_session *session,
                             const struct deliver_request *request)
{
    const struct smtp_settings *settings = session->smtp->settings;
    uint64_t size = request->size;

    *body = (struct body_stream){ .downgrade = NULL };
    wire_body_init(&body->wire, (size_t) settings->line_length_limit);
    strbuf_init(&body->out, STRBUF_UNLIMITED);
    strbuf_init(&body->seven_bit, STRBUF_UNLIMITED);
    strbuf_init(&body->mapped, STRBUF_UNLIMITED);
    if (session->smtp->generic != NULL)
        body->generic =
            generic_headers_create(map_address, session->smtp->generic, (size_t) settings->header_address_token_limit);
    if (body_needs_conversion(session, request))
        body->downgrade = mime_downgrade_create();
    strbuf_reserve(&body->out, size < BODY_CHUNK ? (size_t) size * 9 / 8 + 64 : 2 * BODY_CHUNK);
}

static void body_stream_done(struct body_stream *body)
{
    generic_headers_destroy(&body->generic);
    mime_downgrade_destroy(&body->downgrade);
    strbuf_done(&body->mapped);
    strbuf_done(&body->seven_bit);
    strbuf_done(&body->out);
}

/* An empty piece is the last. False when an address in the header cannot be mapped now. */
static bool body_stream_add(struct body_stream *body, struct str piece, struct failure *why)
{
    bool is_last = piece.len == 0;

    if (body->downgrade != NULL) {
        strbuf_clear(&body->seven_bit);
        mime_downgrade_add(body->downgrade, piece, &body->seven_bit);
        if (is_last)
            mime_downgrade_end(body->downgrade, &body->seven_bit);
        piece = strbuf_str(&body->seven_bit);
    }
    if (body->generic != NULL) {
        strbuf_clear(&body->mapped);
        if (!generic_headers_add(body->generic, piece, is_last, &body->mapped, why))
            return false;
        piece = strbuf_str(&body->mapped);
    }
    wire_body_add(&body->wire, piece, &body->out);
    return true;
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

static bool send_pieces(struct smtp_session *session, const struct attempt *attempt, struct content *content,
                        struct body_stream *body, struct failure *why)
{
    struct str piece;

    do {
        if (!content_next(content, &piece, why) || !body_stream_add(body, piece, why))
            return false;
        if (body->out.len >= BODY_CHUNK && !send_chunk(session, &body->out))
            return true;
    } while (piece.len > 0);
    wire_body_end(&body->wire, &body->out);
    if (session->debug_level > 0)
        log_dialogue_out(session->name_address_port, STR("."));
    if ((attempt_pix_workarounds(attempt, session) & PIX_DELAY_DOTCRLF) != 0)
        send_late_dot(session, &body->out);
    else
        send_chunk(session, &body->out);
    return true;
}

static unsigned minimum_rate(const struct smtp_settings *settings)
{
    return settings->per_request_deadline ? (unsigned) settings->min_data_rate : 0;
}

bool body_send(struct smtp_session *session, const struct attempt *attempt, struct str head, struct failure *why)
{
    const struct smtp_settings *settings = session->smtp->settings;
    const struct deliver_request *request = attempt->delivery->request;
    struct body_stream body;
    struct content content;
    bool is_read;

    body_stream_init(&body, session, request);
    wire_body_add(&body.wire, head, &body.out);
    content_open(&content, attempt->delivery->loop, request);
    session_set_timeout(session, settings->data_xfer_timeout, minimum_rate(settings));
    is_read = send_pieces(session, attempt, &content, &body, why);
    content_close(&content);
    if (body.wire.has_broken)
        smtp_log_breaking_lines(request->queue_id, settings->line_length_limit);
    body_stream_done(&body);
    return is_read;
}
