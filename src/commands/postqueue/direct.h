/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTQUEUE_DIRECT_H
#define POSTQUEUE_DIRECT_H

#include "base/failure.h"
#include "config/shared_settings.h"
#include "protocol/showq.h"

/* direct - the listing from the files themselves, while the mail system is down. The queue directory is the cwd. */
MUST_USE bool direct_list(const struct shared_settings *shared, const struct showq_sink *sink, struct failure *why);

#endif
