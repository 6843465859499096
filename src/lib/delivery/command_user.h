/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_COMMAND_USER_H
#define DELIVERY_COMMAND_USER_H

#include "delivery/rights.h"

/*
 * command_user - as whom a command of master.cf runs: the user, and the group, of its user= attribute.
 *
 * Never root, and never one of the mail system's own users or groups: what a message or a client made such a command do
 * would reach the queue.
 */
struct command_attributes;
struct shared_settings;

/*
 * FAILURE_CONFIGURATION if there is no such user, it is one of those, or this process may not act as that user;
 * FAILURE_RETRY if that cannot be known now.
 */
MUST_USE bool command_user_find(const struct command_attributes *attributes, const struct shared_settings *shared,
                                struct rights *rights_out, struct failure *why);

#endif
