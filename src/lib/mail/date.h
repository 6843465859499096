/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/strbuf.h"
#include "base/time.h"

/* date - RFC 5322 section 3.3 dates, in the local time zone or in UTC. */

/* Appends "Sun, 22 Nov 2026 01:46:40 +0000 (UTC)", by the process's time zone. */
bool date_append(struct strbuf *out, struct instant when);
/* The same in UTC, whatever the zone: for tests and where the zone must not matter. */
bool date_append_utc(struct strbuf *out, struct instant when);

/* Reads a date, the obsolete zones and two-digit years included. */
MUST_USE bool date_parse(struct str text, struct instant *when_out);

#endif
