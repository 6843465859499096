/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_DIALOGUE_H
#define LOG_DIALOGUE_H

#include "base/str.h"

/*
 * dialogue - what two hosts say to each other, for the log: "> PEER: line" of each line that we say, "< PEER: line" of
 * each that we hear. Whoever calls has decided that it is wanted. Lines end with LF or CR LF, the last one may lack it.
 */
void log_dialogue_out(struct str peer, struct str lines);
void log_dialogue_in(struct str peer, struct str lines);

#endif
