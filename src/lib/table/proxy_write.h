/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_PROXY_WRITE_H
#define TABLE_PROXY_WRITE_H

#include "base/failure.h"
#include "base/str.h"

/*
 * proxy_write - changes that the proxywrite service makes in a table for a command. table is without proxy:; path is
 * the service's socket. Blocks. FAILURE_CONFIGURATION: proxy_write_maps does not list the table.
 */
MUST_USE bool proxy_write_remove(const char *path, struct str table, unsigned flags, struct str key,
                                 bool *was_there_out, struct failure *why);

#endif
