/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may send: lines to commands, arguments of MAIL, RCPT and BDAT, restriction lists from tables. */

#include "base/arena.h"
#include "base/check.h"
#include "mail/domain.h"
#include "mail/smtp_path.h"
#include "smtpd/command.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(struct arena *arena, struct str line)
{
    struct str verb, argument;
    struct chunk chunk;
    const struct command *command;

    syntax_split_command(line, &verb, &argument);
    CHECK(verb.len + argument.len <= line.len);
    command = command_find(verb);
    CHECK(command_by_id(command_id_of(command)) == command);
    (void) syntax_looks_like_header(verb);
    if (syntax_parse_chunk(argument, &chunk))
        CHECK(chunk.bytes <= INT64_MAX);
    (void) ehlo_keyword_mask(argument);
    (void) domain_is_utf8(line);
    CHECK(syntax_tame_name(arena, argument).len == argument.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct str rest = str_make((const char *) data, size), line;

    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        read_line(arena, line);
    }
    arena_destroy(&arena);
    return 0;
}
