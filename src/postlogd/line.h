/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTLOGD_LINE_H
#define POSTLOGD_LINE_H

#include "base/str.h"
#include "base/strbuf.h"

/*
 * line - from what a program sent to what stands in the file.
 *
 * A program sends "Nov 22 01:02:03 tag[pid]: text"; the file gets the host's name after the time, as
 * syslog would write it. What does not begin with a time gets ours. Text is neutered here too, for nobody
 * on the other end of the socket is trusted.
 */
void line_append(struct strbuf *output, struct str line, struct str host, struct str time_now);

#endif
