/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/names.h"

#include "base/check.h"
#include "base/memory.h"
#include "dns/resolver.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum { ANSWERS_MAXIMUM = 200, KEPT_SECONDS = 60, ASKERS_MAXIMUM = 20 };

struct question {
    struct question *next;
    struct list place; /* in the queue, until it is begun */
    struct names *names;
    struct str name; /* lower case */
    enum dns_type type;
    bool is_filtered;
    bool is_begun;
    bool is_answered;
    bool is_told; /* its trouble, in the log */
    struct dns_answer answer;
};

struct names {
    struct loop *loop;
    struct resolver *resolver;
    struct resolver *filtered; /* through smtpd_dns_reply_filter; the same where there is none */
    struct arena *arena;
    struct instant since;
    struct question *questions;
    size_t count;
    struct list queue; /* foreseen questions, for the askers */
    bool is_over;
    struct event answered;
    struct fiber_group askers;
};

static struct names *names_of(struct session *session)
{
    struct names *names = session->names;

    if (names != NULL)
        return names;
    names = memory_alloc(sizeof(*names));
    names->loop = session->smtpd->loop;
    names->resolver = session->smtpd->resolver;
    names->filtered = session->smtpd->names_resolver;
    names->arena = arena_create();
    names->since = loop_now(names->loop);
    event_init(&names->answered);
    list_init(&names->queue);
    fiber_group_init(&names->askers, names->loop);
    session->names = names;
    return names;
}

static struct resolver *resolver_of(const struct question *question)
{
    return question->is_filtered ? question->names->filtered : question->names->resolver;
}

static void ask(struct question *question)
{
    list_remove(&question->place);
    question->is_begun = true;
    resolver_lookup(resolver_of(question), question->name, question->type, question->names->arena, &question->answer);
    question->is_answered = true;
    event_wake_all(&question->names->answered);
}

static void ask_queued(void *context)
{
    struct names *names = context;

    while (!names->is_over && !list_is_empty(&names->queue))
        ask(CONTAINER_OF(names->queue.next, struct question, place));
}

/* A new question is left to the askers. */
static struct question *foresee(struct session *session, struct str name, enum dns_type type, bool is_filtered)
{
    struct names *names = names_of(session);
    struct question *question;

    is_filtered = is_filtered && names->filtered != names->resolver;
    for (question = names->questions; question != NULL; question = question->next) {
        if (question->type == type && question->is_filtered == is_filtered && str_equal_nocase(question->name, name))
            return question;
    }
    question = arena_new(names->arena, struct question);
    question->names = names;
    question->name = arena_lower(names->arena, name);
    question->type = type;
    question->is_filtered = is_filtered;
    question->next = names->questions;
    names->questions = question;
    names->count++;
    list_append(&names->queue, &question->place);
    if (names->askers.running < ASKERS_MAXIMUM)
        fiber_group_start(&names->askers, ask_queued, names);
    return question;
}

/* What is needed now does not queue behind what may be needed. */
static const struct dns_answer *wait_for(struct question *question)
{
    if (!question->is_begun)
        ask(question);
    /* The resolver has a time limit of its own. */
    while (!question->is_answered)
        CHECK(event_wait(question->names->loop, &question->names->answered, DURATION_FOREVER, NULL));
    return &question->answer;
}

const struct dns_answer *names_ask(struct session *session, struct str name, enum dns_type type)
{
    return wait_for(foresee(session, name, type, true));
}

bool names_tell_once(struct session *session, struct str name, enum dns_type type)
{
    struct question *question = foresee(session, name, type, true);
    bool is_first = !question->is_told;

    question->is_told = true;
    return is_first;
}

void names_foresee(struct session *session, struct str name, enum dns_type type)
{
    struct names *names = names_of(session);

    /* The filter logs what it leaves out: it is not to judge what nobody has asked in the end. */
    if (names->filtered == names->resolver)
        foresee(session, name, type, true);
}

bool names_has_null_mx(const struct dns_answer *answer)
{
    for (size_t i = 0; answer->outcome == DNS_FOUND && i < answer->count; i++) {
        if (answer->records[i].name.len == 0)
            return true;
    }
    return false;
}

bool names_is_filters_fault(const struct dns_answer *answer)
{
    struct str reason = str_from_c(answer->reason);

    return answer->outcome == DNS_UNKNOWN && (str_equal(reason, str_from_c(RESOLVER_NOTHING_LEFT)) ||
                                              str_equal(reason, str_from_c(RESOLVER_FILTER_UNSURE)));
}

static bool was_dropped(const struct dns_answer *answer)
{
    return answer->outcome == DNS_UNKNOWN && str_equal(str_from_c(answer->reason), str_from_c(RESOLVER_NOTHING_LEFT));
}

bool names_were_dropped(struct session *session, struct str name)
{
    const struct names *names = names_of(session);

    for (const struct question *question = names->questions; question != NULL; question = question->next) {
        if (question->is_filtered && question->is_answered && str_equal_nocase(question->name, name) &&
            was_dropped(&question->answer))
            return true;
    }
    return false;
}

void names_foresee_addresses(struct session *session, struct str name)
{
    struct smtpd *smtpd = session->smtpd;

    if (host_lookup_wants(smtpd->host_lookup, IP_V6))
        foresee(session, name, DNS_TYPE_AAAA, false);
    if (host_lookup_wants(smtpd->host_lookup, IP_V4))
        foresee(session, name, DNS_TYPE_A, false);
}

void names_foresee_hosts(struct session *session, const struct dns_answer *hosts)
{
    for (size_t i = 0; i < hosts->count && i < NAMES_HOSTS_MAXIMUM; i++)
        names_foresee_addresses(session, hosts->records[i].name);
}

/* Which of two failed answers says more: no answer at all, then a name without records, then no name. */
static bool weighs_more(const struct dns_answer *answer, enum dns_outcome outcome)
{
    static const int weight[] = { [DNS_FOUND] = 0, [DNS_ABSENT_NAME] = 1, [DNS_ABSENT_RECORD] = 2, [DNS_UNKNOWN] = 3 };

    return weight[answer->outcome] > weight[outcome];
}

void names_foresee_any_address(struct session *session, struct str name)
{
    names_foresee(session, name, DNS_TYPE_A);
    names_foresee(session, name, DNS_TYPE_AAAA);
}

enum dns_outcome names_find_address(struct session *session, struct str name)
{
    enum dns_outcome outcome;

    names_foresee_any_address(session, name);
    outcome = names_ask(session, name, DNS_TYPE_A)->outcome;
    if (outcome == DNS_FOUND || names_ask(session, name, DNS_TYPE_AAAA)->outcome == DNS_FOUND)
        return DNS_FOUND;
    return outcome == DNS_UNKNOWN ? outcome : names_ask(session, name, DNS_TYPE_AAAA)->outcome;
}

void names_addresses(struct session *session, struct str name, struct arena *arena,
                     struct host_addresses *addresses_out)
{
    static const enum dns_type types[] = { DNS_TYPE_AAAA, DNS_TYPE_A };
    const struct dns_answer *answers[ARRAY_COUNT(types)] = { NULL };
    size_t count = 0;

    *addresses_out = (struct host_addresses){ .outcome = DNS_FOUND, .reason = "", .ttl_seconds = UINT32_MAX };
    names_foresee_addresses(session, name);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        if (!host_lookup_wants(session->smtpd->host_lookup, types[i] == DNS_TYPE_A ? IP_V4 : IP_V6))
            continue;
        answers[i] = wait_for(foresee(session, name, types[i], false));
        count += answers[i]->count;
        if (weighs_more(answers[i], addresses_out->outcome)) {
            addresses_out->outcome = answers[i]->outcome;
            addresses_out->reason = answers[i]->reason;
        }
    }
    if (count == 0)
        return;
    addresses_out->outcome = DNS_FOUND;
    addresses_out->reason = "";
    addresses_out->items = arena_new_array(arena, count, struct ip_address);
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        for (size_t j = 0; answers[i] != NULL && j < answers[i]->count; j++)
            addresses_out->items[addresses_out->count++] = answers[i]->records[j].address;
    }
}

/* Nobody waits for an answer: what is still asked is given up, which takes a turn of the loop. */
static void forget(struct session *session)
{
    struct names *names = session->names;

    names->is_over = true;
    for (const struct question *question = names->questions; question != NULL; question = question->next) {
        if (question->is_begun && !question->is_answered)
            resolver_cancel(resolver_of(question), &question->answer);
    }
    CHECK(fiber_group_wait(&names->askers, DURATION_FOREVER, NULL));
    arena_destroy(&names->arena);
    memory_free(names);
    session->names = NULL;
}

void names_trim(struct session *session)
{
    const struct names *names = session->names;

    if (names == NULL)
        return;
    if (names->count > ANSWERS_MAXIMUM ||
        instant_since(loop_now(names->loop), names->since).us > seconds(KEPT_SECONDS).us)
        forget(session);
}

void names_end(struct session *session)
{
    if (session->names != NULL)
        forget(session);
}
