/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* What is known of one message. */
struct standing {
    bool is_accepted;
    bool is_delete_asked;
    bool is_deleted;
    bool is_held;
    bool is_let_go; /* delivered while held */
    bool sent[BOOK_RECIPIENTS_MAXIMUM];
    bool returned[BOOK_RECIPIENTS_MAXIMUM];
    bool is_settled[BOOK_RECIPIENTS_MAXIMUM]; /* finished, and time has passed since */
    unsigned sent_after[BOOK_RECIPIENTS_MAXIMUM];
    unsigned returned_after[BOOK_RECIPIENTS_MAXIMUM];
};

static void settle(struct standing *standings, unsigned count)
{
    for (unsigned m = 0; m < count; m++) {
        for (unsigned r = 0; r < BOOK_RECIPIENTS_MAXIMUM; r++)
            standings[m].is_settled[r] = standings[m].sent[r] || standings[m].returned[r];
    }
}

static void take_promise(struct standing *standings, unsigned count, const struct mark *mark)
{
    struct standing *standing = &standings[mark->message];

    switch (mark->kind) {
    case MARK_ACCEPTED:
    case MARK_SUBMITTED:
        standing->is_accepted = true;
        break;
    case MARK_SENT:
        standing->sent[mark->recipient] = true;
        break;
    case MARK_RETURNED:
        standing->returned[mark->recipient] = true;
        break;
    case MARK_DELETE_ASKED:
        standing->is_delete_asked = true;
        break;
    case MARK_DELETED:
        standing->is_deleted = true;
        break;
    case MARK_HELD:
        standing->is_held = true;
        break;
    case MARK_RELEASE_ASKED:
        standing->is_held = false;
        break;
    case MARK_TIME_PASSED:
        settle(standings, count);
        break;
    case MARK_REFUSED:
    case MARK_HOLD_ASKED:
    case MARK_STOPPED:
    case MARK_ID:
        break;
    }
}

static void take_deed(struct standing *standings, const struct mark *mark)
{
    struct standing *standing = &standings[mark->message];

    if (mark->kind == MARK_ACCEPTED)
        standing->is_accepted = true;
    if (mark->kind == MARK_RELEASE_ASKED)
        standing->is_held = false;
    if (mark->kind == MARK_RETURNED)
        standing->returned_after[mark->recipient]++;
    if (mark->kind == MARK_SENT) {
        standing->sent_after[mark->recipient]++;
        standing->is_let_go = standing->is_let_go || standing->is_held;
    }
}

static const char *judge(const struct standing *standing, unsigned r, unsigned copies)
{
    unsigned after = standing->sent_after[r] + standing->returned_after[r];

    if (standing->is_accepted && after == 0 && !standing->sent[r] && !standing->returned[r] &&
        !standing->is_delete_asked)
        return "lost";
    if (after > 0 && (standing->is_deleted || standing->is_settled[r]))
        return "came back";
    if (standing->sent_after[r] > copies)
        return "twice";
    return standing->is_let_go ? "let go" : NULL;
}

static void judge_message(const struct standing *standing, unsigned message, const struct book *book, unsigned cuts,
                          struct verdict *verdict)
{
    unsigned copies = book->messages[message].may_double ? 1 + cuts : 1;

    for (unsigned r = 0; r < book->messages[message].recipients; r++) {
        const char *complaint = judge(standing, r, copies);

        if (complaint != NULL && verdict->complaints++ == 0)
            snprintf(verdict->complaint, sizeof(verdict->complaint), "message %u, recipient %u: %s", message, r,
                     complaint);
        verdict->duplicates += standing->sent[r] && standing->sent_after[r] > 0;
    }
}

void verdict_give(const struct trace *trace, size_t begin, const struct book *book, unsigned cuts,
                  struct verdict *verdict_out)
{
    struct standing *standings = memory_alloc_array(BOOK_MAXIMUM, sizeof(*standings));

    *verdict_out = (struct verdict){ 0 };
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->ops[i].kind != TRACE_MARK)
            continue;
        if (i < begin)
            take_promise(standings, book->count, &trace->ops[i].mark);
        else
            take_deed(standings, &trace->ops[i].mark);
    }
    for (unsigned m = 0; m < book->count; m++)
        judge_message(&standings[m], m, book, cuts, verdict_out);
    memory_free(standings);
    if (verdict_out->complaints > 1) {
        size_t len = strlen(verdict_out->complaint);

        snprintf(verdict_out->complaint + len, sizeof(verdict_out->complaint) - len, " (and %u more)",
                 verdict_out->complaints - 1);
    }
}
