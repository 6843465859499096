/* SPDX-License-Identifier: Apache-2.0 */
/* BDAT: the message in chunks of announced length (RFC 3030). */
#include "smtpd/answer.h"
#include "smtpd/content.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/log_lines.h"
#include "smtpd/message.h"
#include "smtpd/policy.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

/* The chunk comes, whatever is answered: it must be read away. Answers 551 to those behind a failed one. */
static void discard(struct session *session, const struct chunk *chunk)
{
    if (!content_skip_chunk(session, chunk->bytes))
        return;
    answer(session, "551 5.0.0 Discarded %llu bytes after earlier error", (unsigned long long) chunk->bytes);
    if (chunk->is_last)
        session->is_discarding_chunks = false;
}

/* This chunk failed: the transaction is over, and the chunks that follow belong to it. */
static void fail(struct session *session, const struct chunk *chunk)
{
    transaction_end(&session->transaction);
    session->is_discarding_chunks = !chunk->is_last;
}

/* Nothing, and not the end either: a client could go on with it for ever. */
static void refuse_null(struct session *session, const struct chunk *chunk)
{
    log_null_bdat(session);
    answer(session, "551 5.7.1 Null BDAT request");
    fail(session, chunk);
}

static bool is_too_large(const struct session *session, const struct chunk *chunk)
{
    int64_t limit = session->smtpd->shared->message_size_limit;
    uint64_t so_far = session->transaction.bytes;

    return limit > 0 && (so_far > (uint64_t) limit || chunk->bytes > (uint64_t) limit - so_far);
}

/* Before the first chunk, as at DATA. */
static bool begin(struct session *session, const struct chunk *chunk)
{
    struct str reply;

    if (session->transaction.is_chunked)
        return true;
    if (!transaction_is_open(&session->transaction) || session->transaction.recipient_count == 0) {
        if (content_skip_chunk(session, chunk->bytes))
            (void) message_may_begin(session);
        fail(session, chunk);
        return false;
    }
    if (!policy_allows_data(session, &reply)) {
        if (content_skip_chunk(session, chunk->bytes))
            answer_send(session, reply);
        fail(session, chunk);
        return false;
    }
    if (session->transaction.proxy != NULL && !proxy_filter_begin_content(session, &reply)) {
        if (content_skip_chunk(session, chunk->bytes))
            answer_send_lines(session, reply);
        fail(session, chunk);
        return false;
    }
    if (!session_milters_allow_data(session, &reply)) {
        if (content_skip_chunk(session, chunk->bytes))
            answer_send_lines(session, reply);
        fail(session, chunk);
        return false;
    }
    session->transaction.is_chunked = true;
    return true;
}

static void take(struct session *session, const struct chunk *chunk)
{
    if (is_too_large(session, chunk)) {
        if (content_skip_chunk(session, chunk->bytes)) {
            log_chunk_too_large(session);
            answer(session, "552 5.3.4 Chunk exceeds message size limit");
        }
        fail(session, chunk);
        return;
    }
    if (!content_read_chunk(session, chunk->bytes, chunk->is_last))
        return;
    if (chunk->is_last)
        message_end(session);
    else
        answer(session, "250 2.0.0 Ok: %llu bytes", (unsigned long long) chunk->bytes);
}

void verb_bdat(struct session *session, struct str argument)
{
    struct chunk chunk;

    if (session->discarded_keywords & KEYWORD_CHUNKING) {
        answer(session, "521 5.5.1 Error: command not implemented");
        return;
    }
    if (!syntax_parse_chunk(argument, &chunk)) {
        log_malformed_bdat(session, argument);
        answer(session, "521 5.5.4 Syntax: BDAT count [LAST]");
        return;
    }
    if (chunk.bytes == 0 && !chunk.is_last)
        refuse_null(session, &chunk);
    else if (session->is_discarding_chunks)
        discard(session, &chunk);
    else if (begin(session, &chunk))
        take(session, &chunk);
}
