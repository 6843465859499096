/* SPDX-License-Identifier: Apache-2.0 */
#include "master/options.h"

#include <unistd.h>

bool options_parse(int argc, char **argv, struct options *options_out, struct failure *why)
{
    struct options options = { .config_directory = STR_EMPTY };
    int letter;

    opterr = 0;
    while ((letter = getopt(argc, argv, "c:dDsvw")) != -1) {
        switch (letter) {
        case 'c':
            options.config_directory = str_from_c(optarg);
            break;
        case 'd':
            options.stays = true;
            break;
        case 's':
            options.stays = options.keeps_output = true;
            break;
        case 'D':
            options.is_debugged = true;
            break;
        case 'v':
            options.verbose++;
            break;
        case 'w':
            /* Postfix's "wait until started": ours always does. */
            break;
        default:
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "usage: master [-c config_directory] [-d] [-D] [-s] [-v]");
        }
    }
    if (optind < argc)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "usage: master [-c config_directory] [-d] [-D] [-s] [-v]");
    *options_out = options;
    return true;
}
