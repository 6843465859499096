/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_PROBE_H
#define POSTTLS_FINGER_PROBE_H

#include "posttls-finger/handshake.h"

struct shared_settings;

/*
 * probe - from the destination to QUIT: the first server that takes a connection is asked, and with -r asked again.
 *
 * Whatever the servers do has been printed when it returns. False: nothing could be asked, because the options or the
 * configuration are wrong.
 */
MUST_USE bool probe(const struct finger_options *options, const struct shared_settings *shared,
                    const struct tls_settings *settings, struct arena *arena, struct failure *why);

#endif
