/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_RESTRICTIONS_H
#define POSTCONF_RESTRICTIONS_H

#include "base/arena.h"
#include "config/main_cf.h"

/*
 * restrictions - what smtpd would stumble over in smtpd_*_restrictions and in the classes of
 * smtpd_restriction_classes: words that it does not know, arguments that are missing or none, tables that cannot be
 * opened. All of it is told as warnings: smtpd runs, and mail that comes to it is deferred.
 */
struct table_set;

/* One parameter as set in main.cf, or for a service; others than those above are passed over. place: who said so. */
void restrictions_check(struct main_cf *cf, struct str name, struct str place, struct table_set *set,
                        struct arena *arena);

/* Lists that would let strangers relay. */
void restrictions_check_relaying(struct main_cf *cf, struct arena *arena);

#endif
