/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the house for the delivering half of the queue manager: agents whose answers the scenario gives. */

#include "base/check.h"
#include "base/memory.h"
#include "house.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/deliveries.h"
#include "qmgr/inheritance.h"
#include "qmgr/loader.h"

struct deliveries {
    struct house *house;
    size_t in_hand;
    bool is_draining;
};

struct delivery {
    struct deliveries *deliveries;
    struct active_message *active;
    unsigned message;
    unsigned attempt;
};

bool deliveries_find_transports(struct str config_directory, int default_process_limit, struct arena *arena,
                                struct deliveries_transport **transports_out, size_t *count_out, struct failure *why)
{
    (void) config_directory;
    (void) default_process_limit;
    (void) arena;
    (void) why;
    *transports_out = NULL;
    *count_out = 0;
    return true;
}

struct deliveries *deliveries_create(struct daemon *daemon, const struct qmgr_settings *settings,
                                     const struct deliveries_transport *transports, size_t transport_count,
                                     const struct deliveries_census *census)
{
    struct deliveries *deliveries = memory_alloc(sizeof(*deliveries));

    (void) settings;
    (void) transports;
    (void) transport_count;
    (void) census;
    deliveries->house = house_of_daemon(daemon);
    return deliveries;
}

void deliveries_destroy(struct deliveries **deliveries)
{
    memory_free(*deliveries);
    *deliveries = NULL;
}

/* ---- one message ---- */

static bool read_content(struct delivery *delivery, struct strbuf *text, struct failure *why)
{
    struct active_message *active = delivery->active;
    struct arena *arena = arena_create();
    struct str content;
    uint64_t offset;
    size_t count = 0;
    bool is_read;
    int fd = -1;

    is_read = active->keeper->content(active->keeper->context, active, arena, &content, &fd, &offset, why);
    if (is_read && fd >= 0) {
        size_t size = (size_t) active->envelope->content_size;
        char *room = strbuf_reserve(text, size);

        is_read = file_read_at(fd, "content", room, size, offset, &count, why);
        strbuf_extend(text, count);
    } else if (is_read) {
        (void) strbuf_append(text, content);
    }
    fd_close(&fd);
    arena_destroy(&arena);
    return is_read;
}

/* The next hop looks at what it gets. */
static bool is_whole(struct delivery *delivery)
{
    struct house *house = delivery->deliveries->house;
    struct strbuf text;
    struct failure why;
    bool is_good = false;

    strbuf_init(&text, STRBUF_UNLIMITED);
    if (!read_content(delivery, &text, &why))
        house_complain(house, "%.*s: no content: %s", STR_ARG(delivery->active->id_text), why.text);
    else if (!book_recognise(house->book, strbuf_str(&text), &delivery->message))
        house_complain(house, "%.*s is delivered with a content that nobody sent (%zu bytes: %.40s)",
                       STR_ARG(delivery->active->id_text), text.len, strbuf_c(&text));
    else
        is_good = true;
    strbuf_done(&text);
    return is_good;
}

static unsigned number_of(const struct envelope_recipient *recipient)
{
    return (unsigned) (recipient->address.data[0] - '0');
}

static void deliver_to(struct delivery *delivery, size_t place)
{
    struct house *house = delivery->deliveries->house;
    unsigned recipient = number_of(&delivery->active->envelope->recipients[place]);
    enum fate fate = house->fate == NULL ? FATE_SENT : house->fate(delivery->message, recipient, delivery->attempt);
    struct active_result *result = &delivery->active->results[place];

    switch (fate) {
    case FATE_SENT:
        trace_mark(house->trace, MARK_SENT, delivery->message, recipient);
        *result = (struct active_result){ .outcome = ACTIVE_SENT, .dsn = STR("2.0.0"), .reason = STR("250 ok") };
        break;
    case FATE_DEFERRED:
        *result = (struct active_result){ .outcome = ACTIVE_DEFERRED, .dsn = STR("4.0.0"), .reason = STR("450 later") };
        break;
    case FATE_BOUNCED:
        *result = (struct active_result){ .outcome = ACTIVE_BOUNCED, .dsn = STR("5.1.1"), .reason = STR("550 no") };
        break;
    }
}

/* Each recipient is reported by itself, as an agent with a connection a recipient does. */
static void deliver(void *context)
{
    struct delivery *delivery = context;
    struct deliveries *deliveries = delivery->deliveries;
    struct house *house = deliveries->house;
    struct active_message *active = delivery->active;
    struct failure why;

    fiber_yield(house->loop);
    while (house->keeps_in_hand)
        (void) !event_wait(house->loop, &house->let_go, DURATION_FOREVER, &why);
    if (!deliveries->is_draining) {
        bool is_known = is_whole(delivery);

        if (is_known)
            delivery->attempt = house->attempts[delivery->message]++;
        for (size_t i = 0; i < active->envelope->recipient_count; i++) {
            if (active->envelope->recipients[i].status != RECIPIENT_PENDING)
                continue;
            if (is_known)
                deliver_to(delivery, i);
            else
                active->results[i] = (struct active_result){ .outcome = ACTIVE_SENT, .dsn = STR("2.0.0") };
            if (!active->keeper->record(active->keeper->context, active, &i, 1, &why))
                house_complain(house, "not recorded: %s", why.text);
        }
    }
    deliveries->in_hand--;
    active->keeper->finished(active->keeper->context, active);
    memory_free(delivery);
}

void deliveries_start(struct deliveries *deliveries, struct active_message *message)
{
    struct delivery *delivery = memory_alloc(sizeof(*delivery));

    delivery->deliveries = deliveries;
    delivery->active = message;
    deliveries->in_hand++;
    fiber_start(deliveries->house->loop, deliver, delivery);
}

void deliveries_take_census(struct deliveries *deliveries, struct duration timeout)
{
    (void) deliveries;
    (void) timeout;
}

void deliveries_drain(struct deliveries *deliveries)
{
    deliveries->is_draining = true;
    house_let_go(deliveries->house);
}

struct records deliveries_list(const struct deliveries *deliveries, struct arena *arena)
{
    (void) deliveries;
    (void) arena;
    return (struct records){ NULL, 0 };
}

/* Nobody tells of what an earlier one has in hand. */
struct inheritance *inheritance_create(struct deliveries *deliveries)
{
    (void) deliveries;
    return NULL;
}

void inheritance_destroy(struct inheritance **inheritance)
{
    *inheritance = NULL;
}

void inheritance_set(struct inheritance *inheritance, struct transport *transport, const struct records *in_hand)
{
    (void) inheritance;
    (void) transport;
    (void) in_hand;
}

size_t deliveries_in_hand(const struct deliveries *deliveries)
{
    return deliveries->in_hand;
}

void deliveries_revive(struct deliveries *deliveries)
{
    (void) deliveries;
}

void deliveries_forget_ways(struct deliveries *deliveries)
{
    (void) deliveries;
}

void deliveries_close_idle(struct deliveries *deliveries, struct duration idle)
{
    (void) deliveries;
    (void) idle;
}
