/* SPDX-License-Identifier: Apache-2.0 */
/* What is copied as it is, and may have to be changed by hand. */
#include "merpati/import.h"
#include "os/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAXIMUM = 4 << 20 };

static void tell_paths(const struct import_job *job, const char *from, struct str text)
{
    for (size_t i = 0; i < job->move_count; i++) {
        const struct import_move *move = &job->moves[i];

        if (import_text_names(text, move->from))
            import_say("%s names %.*s, and is copied as it is: look whether the copy should name %.*s", from,
                       STR_ARG(move->from), STR_ARG(move->to));
    }
    if (job->other.len > 0 && import_text_names(text, job->other))
        import_say("%s names %.*s, another Postfix's, and is copied as it is", from, STR_ARG(job->other));
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

/* The file may be yet to be made, its folder not. */
static bool leads_into(const char *path, struct str folder)
{
    char whole[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (import_text_names(str_from_c(path), folder))
        return true;
    if (realpath(path, whole) != NULL)
        return import_text_names(str_from_c(whole), folder);
    return slash != path && snprintf(whole, sizeof whole, "%.*s", (int) (slash - path), path) > 0 &&
           leads_into(whole, folder);
}

void import_look_at_paths(const struct import_job *job, const char *where, struct str text)
{
    struct str word;

    while (str_next_word(&text, " \t\r\n,;:={}()[]<>\"'|", &word)) {
        const char *path = arena_c(job->arena, word);

        if (!str_starts_with(word, STR("/")))
            continue;
        if (leads_into(path, job->source) || (job->other.len > 0 && leads_into(path, job->other)))
            import_say("%s: %s is another Postfix's, and is not copied: copy it to %.*s and name the copy, before that "
                       "Postfix goes",
                       where, path, STR_ARG(job->target));
    }
}

void import_look_at_lines(const struct import_job *job, const char *name, struct str text)
{
    struct str line;

    for (unsigned number = 1; text.len > 0; number++) {
        (void) str_cut(text, '\n', &line, &text);
        if (!str_starts_with(str_trim_left(line), STR("#")))
            import_look_at_paths(job, arena_printf(job->arena, "%s, line %u", name, number).data, line);
    }
}
