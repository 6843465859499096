/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_ENCRYPTION_H
#define POSTSCREEN_ENCRYPTION_H

#include "base/compiler.h"

struct client;

/* encryption - STARTTLS while a client is tested: tlsproxy gets its socket, and the dialogue goes on with a clear one.
 */
enum encryption_result {
    ENCRYPTION_DONE,
    ENCRYPTION_UNAVAILABLE, /* nothing was said to the client */
    ENCRYPTION_FAILED,      /* nothing more can be */
};

MUST_USE enum encryption_result encryption_begin(struct client *client);

#endif
