/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_CONTROL_H
#define MERPATI_CONTROL_H

#include "merpati/instance.h"

/* control - starting, stopping, and telling master what to do. Each returns the exit status of the command. */

int control_start(const struct instance *instance);
/* Becomes master: returns only if it could not. */
int control_start_foreground(const struct instance *instance);
/* Waits until the last process of the instance has finished what it had in hand. */
int control_stop(const struct instance *instance);
/* The same, without waiting. */
int control_quick_stop(const struct instance *instance);
int control_abort(const struct instance *instance);
/* The two halves of a reload, for who has something to do between them. Both log why not. */
MUST_USE bool control_may_reload(const struct instance *instance);
MUST_USE bool control_refresh(const struct instance *instance);
int control_reload(const struct instance *instance);
int control_status(const struct instance *instance);
int control_flush(const struct instance *instance);

#endif
