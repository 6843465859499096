/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/content.h"

#include "run/loop.h"
#include "run/stream.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/* A line longer than this comes in pieces. */
enum { PIECE_MAXIMUM = 16 * 1024 };

/* What must be known between two pieces of DATA. */
struct data_state {
    bool is_strict;      /* only CR LF . CR LF is the end */
    bool is_within_line; /* the last piece had no line end */
    bool was_bare;       /* the line before ended in LF alone */
    bool is_at_end;
};

static void begin_request(struct session *session)
{
    const struct smtpd_settings *settings = session->settings;

    if (!settings->per_request_deadline)
        return;
    stream_set_deadline(session->stream, instant_add(loop_now(session->smtpd->loop), settings->timeout));
    stream_set_minimum_rate(session->stream, (unsigned) settings->min_data_rate);
}

static void note_bare_newline(struct session *session)
{
    session->has_sent_bare_newline = true;
    if (session->settings->forbid_bare_newline == BARE_NEWLINE_REJECT && !session->is_bare_newline_excluded)
        session->transaction.has_refused_bare_newline = true;
}

static void add_line(struct session *session, struct str line, bool is_ended)
{
    session->transaction.bytes += line.len + (is_ended ? 2 : 0);
    session->content_bytes = session->transaction.bytes;
    transaction_add_content(session, line, is_ended);
}

/* Whether a line that is a dot alone ends the message. */
static bool is_final_dot(const struct data_state *state, bool is_bare)
{
    return !state->is_strict || (!is_bare && !state->was_bare);
}

/* line: up to its LF, without it. */
static void take_line(struct session *session, struct data_state *state, struct str line)
{
    bool is_bare = line.len == 0 || line.data[line.len - 1] != '\r';
    bool is_start = !state->is_within_line;

    if (is_bare)
        note_bare_newline(session);
    else
        line.len--;
    if (is_start && line.len > 0 && line.data[0] == '.') {
        if (line.len == 1 && is_final_dot(state, is_bare)) {
            state->is_at_end = true;
            return;
        }
        line = str_from(line, 1);
        if (line.len == 0)
            goto done;
    }
    add_line(session, line, true);
done:
    state->is_within_line = false;
    state->was_bare = is_bare;
}

/* A piece of a line whose end has not come. A CR at its end may belong to the line's end: it stays. Returns what was
 * taken. */
static size_t take_piece(struct session *session, struct data_state *state, struct str piece)
{
    size_t taken;

    if (piece.data[piece.len - 1] == '\r')
        piece.len--;
    taken = piece.len;
    if (!state->is_within_line && piece.len > 0 && piece.data[0] == '.')
        piece = str_from(piece, 1);
    add_line(session, piece, false);
    state->is_within_line = true;
    return taken;
}

/* Works off what is buffered, as far as it can be judged. */
static void take_buffered(struct session *session, struct data_state *state)
{
    struct str rest = stream_buffered(session->stream);
    size_t taken = 0;

    while (!state->is_at_end && rest.len > 0) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t used;

        if (end != NULL) {
            used = (size_t) (end - rest.data) + 1;
            take_line(session, state, str_part(rest, 0, used - 1));
        } else if (rest.len >= PIECE_MAXIMUM) {
            used = take_piece(session, state, rest);
        } else {
            break;
        }
        rest = str_from(rest, used);
        taken += used;
        if (end == NULL)
            break;
    }
    stream_take(session->stream, taken);
}

bool content_read_data(struct session *session)
{
    int policy = session->settings->forbid_bare_newline;
    struct data_state state = { .is_strict = policy != BARE_NEWLINE_NO && !session->is_bare_newline_excluded };
    struct failure why;

    begin_request(session);
    session->is_in_content = true;
    session->content_bytes = 0;
    while (!state.is_at_end) {
        take_buffered(session, &state);
        if (!state.is_at_end && !stream_fill(session->stream, &why))
            return session_break(session, &why);
    }
    session->is_in_content = false;
    return true;
}

/* A CR that was held back turned out not to belong to a line's end. */
static void release_carriage_return(struct session *session)
{
    if (session->transaction.has_carriage_return)
        add_line(session, STR("\r"), false);
    session->transaction.has_carriage_return = false;
}

static void take_chunk_line(struct session *session, struct str line)
{
    struct transaction *transaction = &session->transaction;
    bool has_return = line.len > 0 ? line.data[line.len - 1] == '\r' : transaction->has_carriage_return;

    if (line.len > 0)
        release_carriage_return(session);
    transaction->has_carriage_return = false;
    if (!has_return)
        note_bare_newline(session);
    else if (line.len > 0)
        line.len--;
    add_line(session, line, true);
    transaction->is_line_open = false;
}

static void take_chunk_rest(struct session *session, struct str rest)
{
    struct transaction *transaction = &session->transaction;

    if (rest.len == 0)
        return;
    release_carriage_return(session);
    transaction->is_line_open = true;
    if (rest.data[rest.len - 1] == '\r') {
        transaction->has_carriage_return = true;
        rest.len--;
    }
    add_line(session, rest, false);
}

static void take_chunk_piece(struct session *session, struct str piece)
{
    const char *end;

    while (piece.len > 0 && (end = memchr(piece.data, '\n', piece.len)) != NULL) {
        size_t used = (size_t) (end - piece.data) + 1;

        take_chunk_line(session, str_part(piece, 0, used - 1));
        piece = str_from(piece, used);
    }
    take_chunk_rest(session, piece);
}

static bool read_pieces(struct session *session, uint64_t bytes, void (*take)(struct session *, struct str))
{
    struct failure why;
    struct str piece;

    begin_request(session);
    session->is_in_content = true;
    while (bytes > 0) {
        size_t maximum = bytes < PIECE_MAXIMUM ? (size_t) bytes : PIECE_MAXIMUM;

        if (!stream_read_some(session->stream, maximum, &piece, &why))
            return session_break(session, &why);
        bytes -= piece.len;
        take(session, piece);
    }
    session->is_in_content = false;
    return true;
}

static void drop(struct session *session, struct str piece)
{
    session->content_bytes += piece.len;
}

bool content_read_chunk(struct session *session, uint64_t bytes, bool is_last)
{
    session->content_bytes = session->transaction.bytes;
    if (!read_pieces(session, bytes, take_chunk_piece))
        return false;
    if (is_last && session->transaction.is_line_open) {
        release_carriage_return(session);
        add_line(session, STR_EMPTY, true);
        session->transaction.is_line_open = false;
    }
    return true;
}

bool content_skip_chunk(struct session *session, uint64_t bytes)
{
    session->content_bytes = 0;
    return read_pieces(session, bytes, drop);
}
