/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_COMMAND_H
#define LOCAL_COMMAND_H

#include "local/scene.h"

/*
 * command - hands the message to a program's standard input, with the scene's rights and never as root.
 *
 * The exit status is read as sysexits.h has it; an enhanced status code at the start of the output outranks it.
 */
struct result command_deliver(const struct scene *scene, struct str command);

#endif
