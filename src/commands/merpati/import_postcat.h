/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_IMPORT_POSTCAT_H
#define MERPATI_IMPORT_POSTCAT_H

#include "base/strbuf.h"
#include "merpati/import_queue.h"

/* import_postcat - what the postcat of a Postfix prints of a queue file. What it complains of goes to standard error.
 */
struct import_reading {
    int fd; /* of its standard output; -1 when it has ended */
    pid_t pid;
};

/* what: an option of postcat. Each one that began is ended. */
MUST_USE bool import_postcat_begin(const struct import_source *source, const char *what, const char *path,
                                   struct import_reading *reading, struct failure *why);
/* False, too, if postcat did not succeed. */
MUST_USE bool import_postcat_end(struct import_reading *reading, struct failure *why);
/* All of "postcat -e". */
MUST_USE bool import_postcat_envelope(const struct import_source *source, const char *path, struct strbuf *text,
                                      struct failure *why);

#endif
