/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_ADDRESS_H
#define LOG_ADDRESS_H

#include "base/strbuf.h"

/*
 * address - addresses in log lines: quoted where they must be, or plain after log_set_plain_addresses(true)
 * (info_log_address_format). As struct strbuf's appends.
 */

/* Of an address in internal form. */
bool log_append_address(struct strbuf *out, struct str address);
/* Of one in external form. */
bool log_append_external_address(struct strbuf *out, struct str address);

#endif
