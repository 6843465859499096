/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_RECIPIENT_H
#define VIRTUAL_RECIPIENT_H

#include "virtual/virtual.h"

/* recipient - delivers to one recipient of a request and reports what became of it. */
void recipient_deliver(struct virtual *virtual, struct delivery *delivery, size_t recipient);

#endif
