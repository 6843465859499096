/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_STATUS_FILTER_H
#define DELIVERY_STATUS_FILTER_H

#include "base/arena.h"
#include "mail/dsn.h"

/*
 * status_filter - changes what is said of a delivery: tables that are asked "4.2.0 text" and answer in the same form
 * (default_delivery_status_filter and its kin). Success stays success, and failure failure.
 */
struct table_list;

/*
 * In the arena; may wait. An answer that is none is warned of and changes nothing. When the tables cannot say, what was
 * no success becomes a deferral.
 */
void status_filter_apply(struct table_list *filter, struct arena *arena, struct dsn_status *status, struct str *text);

#endif
