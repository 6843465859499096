/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/agent.h"

#include "base/check.h"
#include "base/memory.h"
#include "log/log.h"
#include "run/fiber.h"
#include "run/loop.h"

/* A channel with so many deliveries in hand is busy enough that another process may help. */
enum { BUSY_CHANNEL = 32 };

/* An agent repeats what it has inherited every few seconds. One that is silent for so long will not tell. */
enum { HEIR_PATIENCE_SECONDS = 60 };

struct agent_pool {
    struct loop *loop;
    char *path;
    unsigned processes;
    struct instant created; /* wall clock: processes that are younger can hold nothing from before */
    struct duration timeout;
    struct agent_events events;
    struct list agents;
    unsigned count;
    bool is_opening;
    bool is_abandoned; /* destroyed while a fiber was at work here: the last of them frees it */
    unsigned heirs;    /* fibers that follow a census */
    size_t inherited;
    bool has_met_fresh; /* the last one that opened */
    struct event opened;
};

/* Follows the census of one agent; goes on when the agent is dropped, because its process asked to leave. */
struct heir {
    struct agent_pool *pool;
    struct agent *agent; /* NULL: dropped */
    struct call *call;
    void *teller;
    size_t inherited;
};

struct agent_pool *agent_pool_create(struct loop *loop, const char *path, unsigned processes, struct duration timeout,
                                     const struct agent_events *events)
{
    struct agent_pool *pool = memory_alloc(sizeof *pool);
    size_t size = strlen(path) + 1;

    pool->loop = loop;
    pool->path = memory_alloc(size);
    memcpy(pool->path, path, size);
    pool->processes = processes > 0 ? processes : 1;
    pool->created = clock_now();
    pool->timeout = timeout;
    pool->events = *events;
    list_init(&pool->agents);
    event_init(&pool->opened);
    return pool;
}

static void agent_destroy(struct agent *agent)
{
    list_remove(&agent->node);
    agent->pool->count--;
    if (agent->heir != NULL)
        agent->heir->agent = NULL;
    /* What was said last (recorded) still goes out. */
    channel_leave(&agent->channel);
    memory_free(agent);
}

static void pool_free_if_left(struct agent_pool *pool)
{
    if (!pool->is_abandoned || pool->is_opening || pool->heirs > 0)
        return;
    memory_free(pool->path);
    memory_free(pool);
}

void agent_pool_destroy(struct agent_pool **handle)
{
    struct agent_pool *pool = *handle;

    *handle = NULL;
    if (pool == NULL)
        return;
    while (!list_is_empty(&pool->agents))
        agent_destroy(CONTAINER_OF(pool->agents.next, struct agent, node));
    pool->is_abandoned = true;
    pool_free_if_left(pool);
}

/* One word confirms all that the census listed. */
static bool confirm_unrecorded(struct call *call, const struct deliver_census_reply *reply, struct duration timeout,
                               struct failure *why)
{
    struct deliver_recorded recorded = { .number = reply->unrecorded.count };

    return reply->unrecorded.count == 0 || call_send(call, &deliver_recorded_message, &recorded, timeout, why);
}

static bool take_reply(struct agent_pool *pool, struct call *call, void **teller,
                       const struct deliver_census_reply *reply, struct failure *why)
{
    return pool->events.census(pool->events.context, teller, reply, why) &&
           confirm_unrecorded(call, reply, pool->timeout, why);
}

/* Leaves *call_inout NULL unless the census goes on. */
static bool ask_census(struct agent_pool *pool, struct call **call_inout, struct agent *agent, struct arena *arena,
                       struct failure *why)
{
    struct deliver_census request = { .qmgr_generation = (uint64_t) pool->created.us };
    struct call *call = *call_inout;
    const struct deliver_census_reply *reply;
    void *message;
    bool is_taken = call != NULL || failure_set(why, FAILURE_RETRY, 0, "%s: connection lost", pool->path);

    is_taken = is_taken && call_send(call, &deliver_census_message, &request, pool->timeout, why) &&
               call_expect(call, &deliver_census_reply_message, arena, pool->timeout, &message, why);
    if (is_taken && pool->is_abandoned)
        is_taken = failure_set(why, FAILURE_STOPPED, 0, "%s: not needed any more", pool->path);
    if (is_taken) {
        reply = message;
        agent->capacity = reply->capacity > 0 ? reply->capacity : 1;
        agent->inherited = reply->in_hand.count;
        pool->has_met_fresh = reply->is_fresh;
        is_taken = take_reply(pool, call, &agent->teller, reply, why);
    }
    if (is_taken && agent->inherited > 0)
        return true;
    call_end(call_inout);
    if (!pool->is_abandoned)
        pool->events.census_over(pool->events.context, &agent->teller);
    return is_taken;
}

static void note_inherited(struct heir *heir, size_t count)
{
    heir->pool->inherited = heir->pool->inherited - heir->inherited + count;
    heir->inherited = count;
    if (heir->agent == NULL)
        return;
    heir->agent->inherited = count;
    heir->agent->idle_since = loop_now(heir->pool->loop);
}

static void run_heir(void *context)
{
    struct heir *heir = context;
    struct agent_pool *pool = heir->pool;
    struct arena *arena = arena_create();
    bool is_going_on = true;

    while (is_going_on && heir->inherited > 0 && !pool->is_abandoned) {
        const struct deliver_census_reply *reply;
        void *message;
        struct failure why;

        arena_reset(arena);
        is_going_on = call_expect(heir->call, &deliver_census_reply_message, arena, seconds(HEIR_PATIENCE_SECONDS),
                                  &message, &why);
        if (!is_going_on || pool->is_abandoned)
            break;
        reply = message;
        is_going_on = take_reply(pool, heir->call, &heir->teller, reply, &why);
        note_inherited(heir, reply->in_hand.count);
        if (!pool->is_abandoned)
            pool->events.ready(pool->events.context);
    }
    note_inherited(heir, 0);
    call_end(&heir->call);
    arena_destroy(&arena);
    if (heir->agent != NULL)
        heir->agent->heir = NULL;
    pool->heirs--;
    if (!pool->is_abandoned) {
        pool->events.census_over(pool->events.context, &heir->teller);
        pool->events.ready(pool->events.context);
    }
    memory_free(heir);
    pool_free_if_left(pool);
}

static void start_heir(struct agent *agent, struct call *call)
{
    struct heir *heir = memory_alloc(sizeof *heir);

    *heir = (struct heir){ agent->pool, agent, call, agent->teller, agent->inherited };
    agent->heir = heir;
    agent->teller = NULL;
    agent->pool->heirs++;
    agent->pool->inherited += agent->inherited;
    fiber_start(agent->pool->loop, run_heir, heir);
}

static bool meet(struct agent_pool *pool, struct agent *agent, struct call **call_out, struct failure *why)
{
    struct arena *arena = arena_create();
    bool is_met;

    *call_out = channel_call(agent->channel);
    is_met = ask_census(pool, call_out, agent, arena, why) && !pool->is_abandoned;
    arena_destroy(&arena);
    if (!is_met)
        call_end(call_out);
    return is_met;
}

static bool open_agent(struct agent_pool *pool, struct failure *why)
{
    struct agent *agent;
    struct channel *channel;
    struct call *call;

    if (!channel_open(pool->loop, pool->path, &deliver_protocol, pool->timeout, &channel, why))
        return false;
    agent = memory_alloc(sizeof *agent);
    agent->pool = pool;
    agent->channel = channel;
    if (pool->is_abandoned || !meet(pool, agent, &call, why)) {
        channel_close(&channel);
        memory_free(agent);
        return false;
    }
    agent->idle_since = loop_now(pool->loop);
    list_append(&pool->agents, &agent->node);
    pool->count++;
    if (call != NULL)
        start_heir(agent, call);
    return true;
}

static void drop_lost(struct agent_pool *pool)
{
    struct list *next;

    for (struct list *node = pool->agents.next; node != &pool->agents; node = next) {
        struct agent *agent = CONTAINER_OF(node, struct agent, node);

        next = node->next;
        if (agent->in_hand == 0 && !channel_is_open(agent->channel))
            agent_destroy(agent);
    }
}

/* Those left have work in hand whose end asks again, or nobody is left to wait for. */
static bool is_anybody_working(struct agent_pool *pool)
{
    drop_lost(pool);
    return pool->count > 0;
}

static void run_open(void *context)
{
    struct agent_pool *pool = context;
    struct failure why;
    bool is_open = open_agent(pool, &why);

    pool->is_opening = false;
    if (pool->is_abandoned) {
        pool_free_if_left(pool);
        return;
    }
    event_wake_all(&pool->opened);
    if (is_open)
        pool->events.ready(pool->events.context);
    else if (!is_anybody_working(pool))
        pool->events.unavailable(pool->events.context, &why);
}

static void open_another(struct agent_pool *pool)
{
    if (pool->is_opening || pool->count >= pool->processes)
        return;
    pool->is_opening = true;
    fiber_start(pool->loop, run_open, pool);
}

static struct agent *least_busy(struct agent_pool *pool)
{
    struct agent *best = NULL;

    for (struct list *node = pool->agents.next; node != &pool->agents; node = node->next) {
        struct agent *agent = CONTAINER_OF(node, struct agent, node);

        if (channel_is_open(agent->channel) && agent->in_hand + agent->inherited < agent->capacity &&
            (best == NULL || agent->in_hand < best->in_hand))
            best = agent;
    }
    return best;
}

struct agent *agent_pool_take(struct agent_pool *pool)
{
    struct agent *agent;

    drop_lost(pool);
    agent = least_busy(pool);
    if (agent == NULL || agent->in_hand >= BUSY_CHANNEL)
        open_another(pool);
    if (agent != NULL)
        agent->in_hand++;
    return agent;
}

void agent_give_back(struct agent *agent)
{
    CHECK(agent->in_hand > 0);
    agent->in_hand--;
    agent->idle_since = loop_now(agent->pool->loop);
}

void agent_pool_open_all(struct agent_pool *pool, struct duration timeout)
{
    struct instant end = instant_add(loop_now(pool->loop), timeout);
    unsigned before;

    do {
        before = pool->count;
        open_another(pool);
        while (pool->is_opening && instant_is_before(loop_now(pool->loop), end))
            if (!event_wait(pool->loop, &pool->opened, instant_since(end, loop_now(pool->loop)), NULL))
                break;
        /* master starts a new process only when no older one is left to take the channel. */
    } while (!pool->is_opening && pool->count > before && !pool->has_met_fresh);
}

void agent_pool_close_idle(struct agent_pool *pool, struct duration idle)
{
    struct list *next;

    drop_lost(pool);
    for (struct list *node = pool->agents.next; node != &pool->agents; node = next) {
        struct agent *agent = CONTAINER_OF(node, struct agent, node);

        next = node->next;
        if (agent->in_hand == 0 && agent->inherited == 0 &&
            instant_since(loop_now(pool->loop), agent->idle_since).us >= idle.us)
            agent_destroy(agent);
    }
}

bool agent_pool_is_busy(const struct agent_pool *pool)
{
    if (pool->is_opening)
        return true;
    for (const struct list *node = pool->agents.next; node != &pool->agents; node = node->next)
        if (CONTAINER_OF(node, struct agent, node)->in_hand > 0)
            return true;
    return false;
}

size_t agent_pool_inherited(const struct agent_pool *pool)
{
    return pool->inherited;
}
