/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_SYSEXITS_TEXT_H
#define DELIVERY_SYSEXITS_TEXT_H

#include "mail/dsn.h"

/* sysexits_text - what the exit statuses of sysexits.h mean for mail. */
struct sysexits_meaning {
    int status;
    struct dsn_status dsn;
    const char *text;
};

/* NULL for a status that is none of them. */
const struct sysexits_meaning *sysexits_find(int status);

#endif
