/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_NEW_MAIL_H
#define LOCAL_NEW_MAIL_H

#include "base/str.h"

#include <stdint.h>

/*
 * new_mail - what comsat(8) of this machine is told, so that it can show the message on the user's terminal. Nobody
 * waits for it, and nothing comes of it where there is no comsat.
 */
void new_mail_tell(struct str user, uint64_t offset);

#endif
