/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_AGENT_H
#define QMGR_AGENT_H

#include "base/list.h"
#include "protocol/deliver.h"

/*
 * agent - channels to the processes of one delivery transport, each opened when work needs it, with its census first.
 *
 * A process takes one channel, so as many channels as processes reach all of them. What a process still works on for an
 * earlier queue manager (inherited) takes room there; its census goes on until that has ended. Work goes to the channel
 * with the least in hand; the next is opened when all are full, or busy enough to be worth another process.
 */
struct loop;
struct agent_pool;

struct agent {
    struct list node;
    struct agent_pool *pool;
    struct channel *channel;
    size_t capacity;
    size_t in_hand;
    size_t inherited;
    struct heir *heir;         /* follows what is inherited; NULL when nothing is */
    void *teller;              /* until the heir has it */
    struct instant idle_since; /* loop's time */
};

struct agent_events {
    /*
     * True when all that it lists as unrecorded is recorded now. Repeated while anything is inherited, each time in
     * place of what this agent said before; then, unless the pool is destroyed first, census_over. *teller is the
     * caller's, NULL at first. May wait.
     */
    bool (*census)(void *context, void **teller, const struct deliver_census_reply *reply, struct failure *why);
    void (*census_over)(void *context, void **teller);
    /* An agent with room has appeared. */
    void (*ready)(void *context);
    /* None is open, and none could be opened. */
    void (*unavailable)(void *context, const struct failure *why);
    void *context;
};

struct agent_pool *agent_pool_create(struct loop *loop, const char *path, unsigned processes, struct duration timeout,
                                     const struct agent_events *events);
/* Closes all channels; nothing is in hand and none is being opened. What is inherited is not heard of any more. */
void agent_pool_destroy(struct agent_pool **pool);

/* One with room, with one more in hand now; NULL when none has: ready() will tell. Does not wait. */
struct agent *agent_pool_take(struct agent_pool *pool);
void agent_give_back(struct agent *agent);

/* Opens channels until all processes that ran before are reached, or one does not come. Waits, at most timeout. */
void agent_pool_open_all(struct agent_pool *pool, struct duration timeout);
/* Closes what has been idle for so long. */
void agent_pool_close_idle(struct agent_pool *pool, struct duration idle);
bool agent_pool_is_busy(const struct agent_pool *pool);
/* Deliveries of an earlier queue manager that agents said they still work on. */
size_t agent_pool_inherited(const struct agent_pool *pool);

#endif
