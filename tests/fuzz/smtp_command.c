/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may send: lines to commands, arguments of MAIL, RCPT, BDAT and AUTH, restriction lists from tables. */

#include "auth/auth_line.h"
#include "base/arena.h"
#include "base/check.h"
#include "mail/domain.h"
#include "mail/smtp_path.h"
#include "smtpd/command.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_login(struct str argument)
{
    struct auth_argument auth;

    if (!syntax_parse_auth(argument, &auth))
        return;
    CHECK(auth.method.len > 0 && str_find_any(auth.method, " \t") == STR_NOT_FOUND);
    CHECK(str_find_any(auth.initial, " \t") == STR_NOT_FOUND && (auth.has_initial || auth.initial.len == 0));
    /* What is sent on can be no field and no line of its own. */
    if (auth_is_base64(auth.initial))
        CHECK(str_find_any(auth.initial, "\t\r\n\001 *") == STR_NOT_FOUND);
}

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
    read_login(argument);
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
