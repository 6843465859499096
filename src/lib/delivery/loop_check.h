/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_LOOP_CHECK_H
#define DELIVERY_LOOP_CHECK_H

#include "base/failure.h"

struct deliver_request;
struct loop;
struct str;

/*
 * loop_check - whether the message's header has a Delivered-To for this address: then it has been here, and forwarding
 * brought it back.
 */
MUST_USE bool loop_check(struct loop *loop, const struct deliver_request *request, struct str address,
                         bool *has_been_here_out, struct failure *why);

#endif
