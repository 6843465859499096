/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tickets.h"

#include "unit.h"

static struct instant at(int64_t second)
{
    return instant_from_seconds(1000000 + second);
}

static struct tls_tickets *make(void)
{
    struct tls_tickets *tickets = NULL;
    struct failure why;

    EXPECT(tls_tickets_create("aes-256-cbc", seconds(3600), &tickets, &why));
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

    EXPECT_FALSE(tls_tickets_create("rot13", seconds(3600), &tickets, &why));
    EXPECT_TEXT(why.text, "invalid tls_session_ticket_cipher = rot13");
}
