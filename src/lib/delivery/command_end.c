/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_end.h"

#include "delivery/sysexits_text.h"
#include "mail/domain.h"
#include "run/child.h"

#include <sysexits.h>

/* Of the character at the start, if that is UTF-8 and none of ASCII; else 0. */
static size_t utf8_length(struct str text)
{
    unsigned char first = (unsigned char) text.data[0];
    size_t len = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    return len <= text.len && domain_is_utf8(str_part(text, 0, len)) ? len : 0;
}

/* The output on one line, for the log and the report. */
static struct str one_line(struct arena *arena, struct str output)
{
    char *copy = arena_c(arena, output);

    for (size_t i = 0, len; i<output.len; i += len> 0 ? len : 1) {
        len = utf8_length(str_from(output, i));
        if (copy[i] == '\n' || copy[i] == '\t')
            copy[i] = ' ';
        else if (len == 0 && ((unsigned char) copy[i] < ' ' || (unsigned char) copy[i] >= 127))
            copy[i] = '_';
    }
    return str_make(copy, output.len);
}

/* A status code that begins the output; the rest of it to *text_out. One of success is as bad as the exit status. */
static bool has_own_status(struct str output, unsigned char class, struct dsn_status *dsn_out, struct str *text_out)
{
    struct dsn_status dsn;
    struct str first, rest;

    (void) str_cut(output, ' ', &first, &rest);
    if (!dsn_status_parse(first, &dsn))
        return false;
    if (dsn.class != 4 && dsn.class != 5)
        dsn = DSN_STATUS(class, 0, 0);
    *dsn_out = dsn;
    *text_out = str_trim_left(rest);
    return true;
}

static struct command_end of_status(struct arena *arena, int status, struct str output, struct str command)
{
    const struct sysexits_meaning *meaning = sysexits_find(status);
    const char *lead = str_is_empty(output) ? "" : ". Command output: ";
    struct command_end end = { .dsn = DSN_STATUS(5, 3, 0), .output = output };

    if (has_own_status(output, meaning != NULL ? meaning->dsn.class : 5, &end.dsn, &end.text)) {
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
        end.diagnostic = str_trim(output);
    return end;
}

/* Of one that was ended: what it said, or, as it never had a status, what stands for that in Postfix's reports. */
static struct str last_words(struct str output)
{
    return str_is_empty(output) ? str_from_c(sysexits_find(EX_SOFTWARE)->text) : str_trim(output);
}

struct command_end command_end_judge(struct arena *arena, const struct child_result *result, struct str command)
{
    struct str output = one_line(arena, result->output);
    const char *lead = str_is_empty(output) ? "" : ". Command output: ";
    struct command_end end = { .dsn = DSN_STATUS(2, 0, 0), .output = output, .diagnostic = last_words(output) };

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
