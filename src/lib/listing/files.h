/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LISTING_FILES_H
#define LISTING_FILES_H

#include "base/failure.h"
#include "config/shared_settings.h"
#include "protocol/showq.h"

/*
 * files - the listing from the files themselves, while the mail system is down, or of a copy of its queue.
 * The queue directory is the cwd.
 */
MUST_USE bool listing_from_files(const struct shared_settings *shared, const struct showq_sink *sink,
                                 struct failure *why);

#endif
