/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_NETWORK_INDEX_H
#define TABLE_NETWORK_INDEX_H

#include "table/network_pattern.h"

#include <stddef.h>

/*
 * network_index - which of many networks, in an order, is the first that an address is in; without looking at each.
 *
 * There is one look for each length of prefix that occurs, however many networks there are.
 */
struct network_index;

struct network_index *network_index_create(void);
/* Leaves *index NULL; a NULL index is fine. */
void network_index_destroy(struct network_index **index);

/* places grow: of two that are the same network the first stays. */
void network_index_add(struct network_index *index, const struct network_pattern *pattern, size_t place);

/* False: it is in none of them. */
bool network_index_find(const struct network_index *index, const struct ip_address *address, size_t *place_out);

#endif
