/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tickets.h"

#include "run/loop.h"

#include "unit.h"

#include <stdio.h>

static struct instant at(int64_t second)
{
    return instant_from_seconds(1000000 + second);
}

static struct tls_tickets *make(void)
{
    struct tls_tickets *tickets = NULL;
    struct failure why;

    EXPECT(tls_tickets_create("aes-256-cbc", seconds(3600), NULL, NULL, &tickets, &why));
    return tickets;
}

TEST(a_key_makes_tickets_for_one_lifetime_and_reads_them_for_one_more)
{
    struct tls_tickets *tickets = make();
    struct tls_ticket_key first = *tls_tickets_current(tickets, at(0));

    EXPECT(memcmp(tls_tickets_current(tickets, at(3599))->name, first.name, sizeof first.name) == 0);
    EXPECT(memcmp(tls_tickets_current(tickets, at(3600))->name, first.name, sizeof first.name) != 0);
    EXPECT(tls_tickets_find(tickets, first.name, at(7199)) != NULL);
    EXPECT(tls_tickets_find(tickets, first.name, at(7200)) == NULL);
    EXPECT(tls_tickets_find(tickets, first.name, at(7199)) == NULL);
    tls_tickets_destroy(&tickets);
    EXPECT(tickets == NULL);
}

TEST(two_services_have_no_key_in_common)
{
    struct tls_tickets *one = make(), *other = make();

    EXPECT(tls_tickets_find(other, tls_tickets_current(one, at(0))->name, at(0)) == NULL);
    tls_tickets_destroy(&one);
    tls_tickets_destroy(&other);
}

TEST(a_cipher_that_is_none_is_refused)
{
    struct tls_tickets *tickets = NULL;
    struct failure why;

    EXPECT_FALSE(tls_tickets_create("rot13", seconds(3600), NULL, NULL, &tickets, &why));
    EXPECT_TEXT(why.text, "invalid tls_session_ticket_cipher = rot13");
}

/* ---- keys that are shared ---- */

struct other_process {
    struct tls_ticket_keys keys;
    unsigned asked;
    bool is_away;
};

static bool fetch(void *context, struct duration lifetime, struct arena *arena, struct records *keys_out,
                  struct failure *why)
{
    struct other_process *other = context;

    other->asked++;
    if (other->is_away)
        return failure_set(why, FAILURE_RETRY, 0, "away");
    (void) tls_ticket_keys_current(&other->keys, lifetime, clock_now());
    *keys_out = tls_ticket_keys_give(&other->keys, arena);
    return true;
}

static char warning[200];

static void note_warning(void *context, const char *text)
{
    (void) context;
    snprintf(warning, sizeof warning, "%s", text);
}

static const struct tls_listener listener = { .warn = note_warning };

static struct tls_tickets *make_sharing(struct other_process *other)
{
    const struct tls_ticket_source source = { fetch, other };
    struct tls_tickets *tickets = NULL;
    struct failure why;

    EXPECT(tls_tickets_create("aes-256-cbc", seconds(3600), &source, &listener, &tickets, &why));
    return tickets;
}

TEST(processes_with_one_source_read_each_others_tickets_and_ask_once)
{
    struct other_process other = { .asked = 0 };
    struct tls_tickets *one = make_sharing(&other), *two = make_sharing(&other);
    struct loop *loop = loop_create();
    struct instant now = clock_now();

    tls_tickets_refresh(one, loop);
    tls_tickets_refresh(two, loop);
    tls_tickets_refresh(two, loop);
    EXPECT_UINT(other.asked, 2);
    EXPECT(tls_tickets_find(two, tls_tickets_current(one, now)->name, now) != NULL);
    EXPECT(memcmp(tls_tickets_current(one, now), tls_tickets_current(two, now), sizeof(struct tls_ticket_key)) == 0);
    tls_tickets_destroy(&one);
    tls_tickets_destroy(&two);
    loop_destroy(&loop);
}

TEST(without_its_source_a_process_has_keys_of_its_own_and_says_so)
{
    struct other_process other = { .is_away = true };
    struct tls_tickets *tickets = make_sharing(&other);
    struct loop *loop = loop_create();

    tls_tickets_refresh(tickets, loop);
    tls_tickets_refresh(tickets, loop);
    EXPECT_UINT(other.asked, 1);
    EXPECT_TEXT(warning, "no shared keys of session tickets: away; those of this process do");
    EXPECT(tls_tickets_current(tickets, clock_now()) != NULL);
    tls_tickets_destroy(&tickets);
    loop_destroy(&loop);
}

TEST(keys_of_another_process_make_tickets_and_ours_still_read_them)
{
    struct tls_ticket_keys ours = { .count = 0 }, theirs = { .count = 0 };
    struct arena *arena = arena_create();
    struct tls_ticket_key own = *tls_ticket_keys_current(&ours, seconds(100), at(0));
    struct tls_ticket_key other = *tls_ticket_keys_current(&theirs, seconds(100), at(10));
    struct records given = tls_ticket_keys_give(&theirs, arena);

    tls_ticket_keys_take(&ours, &given, true);
    tls_ticket_keys_take(&ours, &given, true);
    EXPECT_UINT(ours.count, 2);
    EXPECT(memcmp(tls_ticket_keys_current(&ours, seconds(100), at(20))->name, other.name, sizeof other.name) == 0);
    EXPECT(tls_ticket_keys_find(&ours, own.name, seconds(100), at(199)) != NULL);
    EXPECT(tls_ticket_keys_find(&ours, own.name, seconds(100), at(200)) == NULL);
    EXPECT(tls_ticket_keys_find(&ours, other.name, seconds(100), at(209)) != NULL);
    arena_destroy(&arena);
}

TEST(a_clock_that_was_set_back_makes_no_key_live_longer)
{
    struct tls_ticket_keys keys = { .count = 0 };
    struct tls_ticket_key first = *tls_ticket_keys_current(&keys, seconds(100), at(1000));

    EXPECT(tls_ticket_keys_find(&keys, first.name, seconds(100), at(0)) == NULL);
    EXPECT(memcmp(tls_ticket_keys_current(&keys, seconds(100), at(0))->name, first.name, sizeof first.name) != 0);
}

TEST(more_keys_than_there_is_room_for_push_the_oldest_out)
{
    struct tls_ticket_keys keys = { .count = 0 };
    struct tls_ticket_key last = { .made = at(0) };

    for (int i = 0; i < 3 * TLSMGR_TICKET_KEYS_MAXIMUM; i++)
        last = *tls_ticket_keys_current(&keys, seconds(10), at(i * 10));
    EXPECT(keys.count <= TLSMGR_TICKET_KEYS_MAXIMUM);
    EXPECT(memcmp(keys.keys[0].name, last.name, sizeof last.name) == 0);
}
