/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_STS_FETCH_H
#define SMTP_STS_FETCH_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/ip_address.h"
#include "base/time.h"

/*
 * sts_fetch - gets the text of an MTA-STS policy from its domain by HTTPS (RFC 8461 section 3.3), by libcurl in a
 * thread.
 *
 * libcurl is loaded before the jail, and only by processes that have a fetcher. It resolves no name, follows no
 * redirect, asks no proxy, takes no more than STS_TEXT_MAXIMUM bytes, and opens no file: whom to believe is given as
 * PEM. For tests MERPATI_MTA_STS_PORT names another port than 443.
 */
struct loop;
struct sts_fetcher;

/* timeout is for one policy, from the connection to its last byte. False: there is no libcurl. */
MUST_USE bool sts_fetcher_create(struct loop *loop, struct str authorities_pem, struct duration timeout,
                                 struct sts_fetcher **fetcher_out, struct failure *why);
/* From now on nothing is fetched, and what is on its way ends within about a second. NULL is fine. */
void sts_fetcher_stop(struct sts_fetcher *fetcher);
/* Nobody may be waiting. Leaves *fetcher NULL; NULL is fine. */
void sts_fetcher_destroy(struct sts_fetcher **fetcher);

/*
 * The policy's text, as it came, in arena. domain in ASCII; addresses: of mta-sts.DOMAIN, at least one. In a fiber.
 * FAILURE_STOPPED: it was not tried to the end, and nothing is known by that.
 */
MUST_USE bool sts_fetch(struct sts_fetcher *fetcher, struct str domain, const struct ip_address *addresses,
                        size_t count, struct arena *arena, struct str *text_out, struct failure *why);

#endif
