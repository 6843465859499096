/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_LISTS_H
#define POSTCONF_LISTS_H

#include "base/arena.h"

/*
 * lists - parameters that list hosts, domains or words (match_list) or name a place, and what they say together: a
 * domain that two address classes claim, mailboxes of domains that have no place to be in.
 */
struct main_cf;
struct services;

/*
 * Tells what in them cannot be read or opened. A network that is none in mynetworks and the like is an error, for every
 * client would be answered 451, and makes the answer false; all else is a warning, a table that is not there, too.
 * service: whose options stand over main.cf, then only those are looked at; empty: main.cf's own.
 */
bool lists_check(struct main_cf *cf, struct str service, struct arena *arena);

/* Tells as warnings what would be in the log with each message. services: NULL if unread. */
void lists_check_domains(struct main_cf *cf, const struct services *services, struct arena *arena);

#endif
