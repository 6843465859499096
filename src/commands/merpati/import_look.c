/* SPDX-License-Identifier: Apache-2.0 */
/* What is copied as it is, and may have to be changed by hand. */
#include "merpati/import.h"
#include "os/file.h"

enum { TEXT_MAXIMUM = 4 << 20 };

static void tell_paths(const struct import_job *job, const char *from, struct str text)
{
    for (size_t i = 0; i < job->move_count; i++) {
        const struct import_move *move = &job->moves[i];

        if (import_text_names(text, move->from))
            import_say("%s names %.*s, and is copied as it is: look whether the copy should name %.*s", from,
                       STR_ARG(move->from), STR_ARG(move->to));
    }
}

/* As MailScanner has it: all mail is held, and a program moves queue files on. */
static void tell_hold(const char *from, struct str text)
{
    struct str line;

    while (text.len > 0) {
        (void) str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (str_starts_with_nocase(line, STR("/^Received:")) && str_find_nocase(line, STR(" HOLD")) != STR_NOT_FOUND)
            import_say("%s holds all mail (\"%.*s\"): a program that takes it out of the queue, as MailScanner does, "
                       "cannot work here; take this line out of the copy, and have it called as a milter",
                       from, STR_ARG(line));
    }
}

void import_look_into(const struct import_job *job, const char *from, off_t size)
{
    CLEANUP(strbuf_done) struct strbuf text;
    struct failure ignored;

    strbuf_init(&text, TEXT_MAXIMUM);
    if (size > TEXT_MAXIMUM || !file_load(from, &text, &ignored) || str_contains_char(strbuf_str(&text), '\0'))
        return;
    tell_paths(job, from, strbuf_str(&text));
    tell_hold(from, strbuf_str(&text));
}
