/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_QUEUE_H
#define MERPATI_IMPORT_QUEUE_H

#include "merpati/instance.h"

/*
 * import_queue - takes the messages of a Postfix's queue over, as that Postfix's own postcat tells them:
 * docs/import.md. Both mail systems are down meanwhile. Nothing is removed there; what was taken is remembered in
 * data_directory.
 */
struct import_source {
    struct str directory; /* of the configuration */
    struct str queue;
    uid_t mail_uid; /* of its mail_owner */
    const char *postcat;
    const char *time_zone; /* in which that prints times; this process has the same */
};

/* True if all messages are here, or were before; false also when some had to be left, which were named. */
MUST_USE bool import_queue(const struct instance *instance, const struct import_source *source, struct failure *why);

#endif
