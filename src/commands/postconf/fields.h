/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_FIELDS_H
#define POSTCONF_FIELDS_H

#include "postconf/services.h"
#include "postconf/show.h"

/*
 * fields - master.cf taken apart: "smtp/inet/chroot = y" (-F) and "smtp/inet/mynetworks = x" (-P). A word names
 * service[/type[/field or parameter]], each also "*"; a word that meets nothing is told.
 */

/* A word taken apart; what is not there is "*". */
struct service_part {
    struct str name;
    struct str type;
    struct str part;
    unsigned given; /* how many of the three */
};

/* A service's name may hold slashes: of more than three parts the last two are type and part. False: it is empty. */
bool service_part_of(struct str word, struct service_part *part_out);
bool service_part_meets(const struct service_part *part, const struct service_entry *entry);
/* The enum master_field that a word of -F names, or -1. */
int service_field_of(struct str name);

MUST_USE bool fields_show(const struct show *show, const struct services *services, const struct strlist *words,
                          struct failure *why);
/* all not NULL (-PP): not only what has an -o, but every parameter as the service has it. */
MUST_USE bool fields_show_parameters(const struct show *show, const struct services *services,
                                     const struct strlist *words, const struct parameters *all, struct failure *why);

#endif
