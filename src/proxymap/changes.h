/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXYMAP_CHANGES_H
#define PROXYMAP_CHANGES_H

#include "protocol/proxymap.h"
#include "proxymap/tables.h"

/*
 * changes - what proxywrite writes for others, into the tables of proxy_write_maps and into no others.
 *
 * A change is one whole, as postmap makes it: on disk when it is answered. Blocks meanwhile: proxywrite has one
 * process and nothing else to do.
 */

/* FOUND: done; ABSENT: no such key to remove; UNKNOWN: reason_out says why not, in arena; DENIED. */
enum proxymap_status changes_make(const struct proxymap_tables *tables, const struct proxymap_change *change,
                                  struct arena *arena, struct str *reason_out);

#endif
