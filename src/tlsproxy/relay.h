/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSPROXY_RELAY_H
#define TLSPROXY_RELAY_H

#include "base/time.h"

struct stream;

/*
 * relay - copies what comes on either stream to the other, until the inside has closed and all it wrote has gone out,
 * or nothing has moved for the idle time. When the outside ends, the inside is told and may still write.
 *
 * Holds one buffer a direction, and only while there is something in it that the other side does not take.
 */
void relay_run(struct stream *outside, struct stream *inside, struct duration idle);

#endif
