/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_HOSTS_FILE_H
#define DNS_HOSTS_FILE_H

#include "base/arena.h"
#include "base/ip_address.h"

/*
 * hosts_file - what hosts(5) says: lines of an address, a name and aliases.
 *
 * Only the text is kept and walked for each question, since the file is short and the questions are few.
 */

/* The addresses of a name or alias, in the file's order; returns how many. */
size_t hosts_file_addresses(struct str text, struct str name, struct arena *arena, struct ip_address **addresses_out);
/* The first name of the first line with that address; empty if there is none. A view into text. */
struct str hosts_file_name(struct str text, const struct ip_address *address);

#endif
