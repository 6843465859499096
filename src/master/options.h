/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include "base/failure.h"
#include "base/str.h"

/* options - master's command line; people use "merpati start" instead. */
struct options {
    struct str config_directory; /* -c */
    bool stays;                  /* -d, -s: no background */
    bool keeps_output;           /* -s: services write to our standard output */
    bool is_debugged;            /* -D: debugger_command is run first */
    unsigned verbose;            /* -v, handed on to every service */
};

MUST_USE bool options_parse(int argc, char **argv, struct options *options_out, struct failure *why);

#endif
