/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANVIL_LOG_LINES_H
#define ANVIL_LOG_LINES_H

#include "anvil/counters.h"

/* log_lines - what anvil says: the highest numbers of the last time, as Postfix's words them; nothing where all are 0.
 */
void log_anvil_statistics(const struct counters *counters, struct duration unit);

#endif
