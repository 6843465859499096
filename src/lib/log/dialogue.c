/* SPDX-License-Identifier: Apache-2.0 */
#include "log/dialogue.h"

#include "log/log.h"

static void log_lines(char direction, struct str peer, struct str lines)
{
    struct str line;

    do {
        str_cut(lines, '\n', &line, &lines);
        log_info("%c %.*s: %.*s", direction, STR_ARG(peer), STR_ARG(str_trim_right(line)));
    } while (lines.len > 0);
}

void log_dialogue_out(struct str peer, struct str lines)
{
    log_lines('>', peer, lines);
}

void log_dialogue_in(struct str peer, struct str lines)
{
    log_lines('<', peer, lines);
}
