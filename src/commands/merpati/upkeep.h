/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_UPKEEP_H
#define MERPATI_UPKEEP_H

#include "merpati/instance.h"

/*
 * upkeep - what follows an installation or an upgrade. Both take "name=value" words, which go into main.cf first
 * (mail_owner=..., setgid_group=...), and give the exit status of the command. Doing them again changes nothing.
 */

/*
 * Owners and modes of the queue and of data_directory, and, of the default instance, of the set-gid commands; makes
 * directories that are missing.
 */
int upkeep_set_permissions(const struct instance *instance, int argc, char **argv);
/*
 * Adds to master.cf the services of meta_directory/master.cf.proto that it lacks: inner ones alone, none that listens
 * to a network or runs the program of another package, and none that stands there commented out.
 */
int upkeep_upgrade(const struct instance *instance, int argc, char **argv);
/* The same for master.cf of an instance that is yet to be put into directory, by which it is told. */
MUST_USE bool upkeep_add_services(const struct instance *instance, struct str directory, struct failure *why);

#endif
