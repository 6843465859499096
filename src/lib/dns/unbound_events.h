/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_UNBOUND_EVENTS_H
#define DNS_UNBOUND_EVENTS_H

/*
 * unbound_events - libunbound's events on our loop, through the table of calls that it offers for that.
 *
 * libunbound's callbacks run on the loop's own stack, outside of any fiber.
 */
struct loop;
struct ub_event_base;

/* Must outlive the contexts made with it. */
struct ub_event_base *unbound_events_create(struct loop *loop);
/* No context may be left. Leaves *base NULL. */
void unbound_events_destroy(struct ub_event_base **base);

#endif
