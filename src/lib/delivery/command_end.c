/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_end.h"

#include "delivery/sysexits_text.h"
#include "run/child.h"

/* The output on one line, for the log and the report. */
static struct str one_line(struct arena *arena, struct str output)
{
    char *copy = arena_c(arena, output);

    for (size_t i = 0; i < output.len; i++) {
        if (copy[i] == '\n' || copy[i] == '\t')
            copy[i] = ' ';
        else if ((unsigned char) copy[i] < ' ' || copy[i] == 127)
            copy[i] = '_';
    }
    return str_make(copy, output.len);
}

/* A status code that begins the output; the rest of it to *text_out. */
static bool has_own_status(struct str output, struct dsn_status *dsn_out, struct str *text_out)
{
    struct dsn_status dsn;
    struct str first, rest;

    (void) str_cut(output, ' ', &first, &rest);
    if (!dsn_status_parse(first, &dsn) || (dsn.class != 4 && dsn.class != 5))
        return false;
    *dsn_out = dsn;
    *text_out = str_trim_left(rest);
    return true;
}

static struct command_end of_status(struct arena *arena, int status, struct str output, struct str command)
{
    const struct sysexits_meaning *meaning = sysexits_find(status);
    const char *lead = str_is_empty(output) ? "" : ". Command output: ";
    struct command_end end = { .dsn = DSN_STATUS(5, 3, 0), .output = output };

    if (has_own_status(output, &end.dsn, &end.text)) {
        end.diagnostic = str_trim_right(end.text);
        return end;
    }
    if (meaning != NULL) {
        end.dsn = meaning->dsn;
        end.text = arena_printf(arena, "%s%s%.*s", meaning->text, lead, STR_ARG(output));
        end.diagnostic = str_from_c(meaning->text);
    } else {
        end.text = arena_printf(arena, "Command died with status %d: \"%.*s\"%s%.*s", status, STR_ARG(command), lead,
                                STR_ARG(output));
        end.diagnostic = arena_printf(arena, "unknown mail system error %d", status);
    }
    if (!str_is_empty(output))
        end.diagnostic = str_trim_right(output);
    return end;
}

struct command_end command_end_judge(struct arena *arena, const struct child_result *result, struct str command)
{
    struct str output = one_line(arena, result->output);
    const char *lead = str_is_empty(output) ? "" : ". Command output: ";
    struct command_end end = { .dsn = DSN_STATUS(2, 0, 0), .output = output, .diagnostic = str_trim_right(output) };

    switch (result->end) {
    case CHILD_TIMED_OUT:
        end.dsn = DSN_STATUS(5, 3, 0);
        end.text =
            arena_printf(arena, "Command time limit exceeded: \"%.*s\"%s%.*s", STR_ARG(command), lead, STR_ARG(output));
        break;
    case CHILD_SIGNALED:
        end.dsn = DSN_STATUS(4, 3, 0);
        end.text = arena_printf(arena, "Command died with signal %d: \"%.*s\"%s%.*s", result->status, STR_ARG(command),
                                lead, STR_ARG(output));
        break;
    case CHILD_EXITED:
        end.output = str_trim_right(output);
        end.diagnostic = STR_EMPTY;
        if (result->status != 0)
            end = of_status(arena, result->status, output, command);
        break;
    }
    return end;
}
