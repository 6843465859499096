/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_REFUSAL_FOOTER_H
#define POSTSCREEN_REFUSAL_FOOTER_H

#include "base/str.h"

struct client;

/*
 * refusal_footer - what postscreen_reject_footer_maps or postscreen_reject_footer add to a refusal. Lines are separated
 * by LF. In the client's arena; text itself where there is nothing to add.
 */
struct str refusal_footer_add(struct client *client, struct str text);

#endif
