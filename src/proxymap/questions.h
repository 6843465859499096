/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXYMAP_QUESTIONS_H
#define PROXYMAP_QUESTIONS_H

#include "daemon/daemon.h"
#include "protocol/proxymap.h"
#include "run/fiber.h"

/*
 * questions - the lookups that are in hand, so that a server that hangs does not hold up a stop of the system.
 *
 * While the system stops, who waits for an answer holds up all the others. Then a question has QUESTIONS_PATIENCE_MS:
 * after that it is answered "unknown", which defers, and its lookup goes on for nobody.
 */
enum { QUESTIONS_PATIENCE_MS = 1000 };

struct questions {
    struct loop *loop;
    struct list open;
    struct event over;
    bool is_over;
};

/* One lookup; the caller's, while it is open. */
struct question {
    struct list link;
    struct daemon_call *call;
    struct instant since;
    bool is_answered;
};

void questions_init(struct questions *questions, struct loop *loop);
void question_open(struct questions *questions, struct question *question, struct daemon_call *call);
/* Takes the question back, and answers it unless it has been answered: the reply comes too late then. */
MUST_USE bool question_close(struct question *question, const struct proxymap_value *reply, struct failure *why);
/* From now on, in this fiber until questions_end. */
void questions_hurry(struct questions *questions);
/* Ends questions_hurry. True: none is open. */
MUST_USE bool questions_end(struct questions *questions);

#endif
