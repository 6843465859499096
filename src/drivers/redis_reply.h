/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_REDIS_REPLY_H
#define DRIVERS_REDIS_REPLY_H

#include "table/driver.h"

#include <hiredis/hiredis.h>

/*
 * redis_reply - what a server of Redis says: read by hiredis, within bounds that it does not have, and taken for
 * values.
 *
 * hiredis takes memory for as many elements as a server announces, and ends the process where there is none; so many
 * are not taken for an answer here.
 */
enum { REDIS_REPLY_ELEMENTS_MAX = 1 << 20 };

redisReader *redis_reply_reader_create(void);
void redis_reply_reader_destroy(redisReader *reader);
/* The server has said more than it was asked for: what comes next would be taken for the answer to another question. */
bool redis_reply_is_out_of_step(const redisReader *reader);
/* False: the reply is an error, as why says. */
bool redis_reply_give(const redisReply *reply, const struct merpati_driver_values *values,
                      struct merpati_table_text why);

#endif
