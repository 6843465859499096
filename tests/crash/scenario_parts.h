/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_SCENARIO_PARTS_H
#define CRASH_SCENARIO_PARTS_H

#include "scenarios.h"

/* scenario_parts - what the files of scenarios share. */

/* The agents have one message in hand and defer all at the first attempt; the others wait, as frames. */
void scenario_wait_in_queue(struct house *house, unsigned *messages, size_t count);

void scenario_down(struct house *house);
void scenario_forged(struct house *house);

#endif
