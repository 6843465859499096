/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/questions.h"

#include "run/loop.h"

enum { LOOK_MS = 100 };

void questions_init(struct questions *questions, struct loop *loop)
{
    *questions = (struct questions){ .loop = loop };
    list_init(&questions->open);
    event_init(&questions->over);
}

void question_open(struct questions *questions, struct question *question, struct daemon_call *call)
{
    *question = (struct question){ .call = call, .since = loop_now(questions->loop) };
    list_append(&questions->open, &question->link);
}

bool question_close(struct question *question, const struct proxymap_value *reply, struct failure *why)
{
    list_remove(&question->link);
    return question->is_answered || daemon_reply(question->call, reply, why);
}

/* The one answer of a call is small: it never waits for room. */
static void give_up(struct question *question)
{
    struct proxymap_value reply = {
        .status = PROXYMAP_UNKNOWN,
        .reason = STR("the system stops, and there was no answer yet"),
    };
    struct failure ignored;

    question->is_answered = true;
    (void) !daemon_reply(question->call, &reply, &ignored);
}

static void look(struct questions *questions)
{
    struct instant now = loop_now(questions->loop);

    for (struct list *node = questions->open.next; node != &questions->open; node = node->next) {
        struct question *question = CONTAINER_OF(node, struct question, link);

        if (!question->is_answered && instant_since(now, question->since).us >= milliseconds(QUESTIONS_PATIENCE_MS).us)
            give_up(question);
    }
}

void questions_hurry(struct questions *questions)
{
    struct instant begin = loop_now(questions->loop);

    /* What is open already has as much time as what comes. */
    for (struct list *node = questions->open.next; node != &questions->open; node = node->next)
        CONTAINER_OF(node, struct question, link)->since = begin;
    while (!questions->is_over) {
        bool is_woken = event_wait(questions->loop, &questions->over, milliseconds(LOOK_MS), NULL);

        (void) is_woken;
        look(questions);
    }
}

bool questions_end(struct questions *questions)
{
    questions->is_over = true;
    event_wake_all(&questions->over);
    return list_is_empty(&questions->open);
}
