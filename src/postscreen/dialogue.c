/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialogue with clients that are tested, or refused: SMTP without extensions that would make commands come ahead,
 * and without a single recipient that is taken.
 */
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "postscreen/client.h"
#include "postscreen/encryption.h"
#include "postscreen/keywords.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"
#include "protocol/handed_session.h"
#include "run/loop.h"
#include "run/stream.h"

#include <string.h>

enum { ANSWER_MAXIMUM = 2048 };

#define PROTOCOL_ERROR STR("550 5.5.1 Protocol error")
#define PROTOCOL_DROP STR("521 5.5.1 Protocol error")
#define UNAVAILABLE STR("450 4.3.2 Service currently unavailable")

enum outcome {
    GOES_ON,
    OVER,
    HANDED, /* to be handed over */
};

struct verb {
    const char *name;
    enum outcome (*run)(struct client *client, struct str argument);
    bool is_allowed_in_clear; /* where TLS is required */
};

static enum outcome say(struct client *client, const char *text)
{
    client_answer(client, str_from_c(text));
    return GOES_ON;
}

/* ---- verbs ---- */

static void forget_transaction(struct client *client)
{
    client->has_mail = false;
    client->mail_line = client->sender = STR_EMPTY;
}

static void take_name(struct client *client, struct str argument, bool is_esmtp)
{
    forget_transaction(client);
    client->is_esmtp = is_esmtp;
    client->helo_line = arena_printf(client->arena, "%s %.*s", is_esmtp ? "EHLO" : "HELO", STR_ARG(argument));
    if (str_next_word(&argument, " ", &client->helo))
        client->helo = arena_str(client->arena, client->helo);
}

static enum outcome run_helo(struct client *client, struct str argument)
{
    if (argument.len == 0)
        return say(client, "501 Syntax: HELO hostname");
    take_name(client, argument, false);
    client_answer(client, arena_printf(client->arena, "250 %.*s", STR_ARG(client->postscreen->shared->myhostname)));
    return GOES_ON;
}

static enum outcome run_ehlo(struct client *client, struct str argument)
{
    CLEANUP(strbuf_done) struct strbuf text;

    strbuf_init(&text, ANSWER_MAXIMUM);
    if (argument.len == 0)
        return say(client, "501 Syntax: EHLO hostname");
    take_name(client, argument, true);
    keywords_append(client, &text);
    client_answer(client, strbuf_str(&text));
    return GOES_ON;
}

/* before: FROM or TO, which ':' follows. "<a@b>" and "a@b", up to what follows; or nothing. */
static bool take_address(struct str argument, const char *before, struct str *address_out)
{
    struct str word = STR_EMPTY;

    if (!str_starts_with_nocase(argument, str_from_c(before)))
        return false;
    argument = str_trim(str_from(argument, strlen(before)));
    if (!str_starts_with(argument, STR(":")))
        return false;
    argument = str_trim(str_from(argument, 1));
    if (argument.len > 0 && argument.data[0] == '<') {
        size_t end = str_find_char(argument, '>');

        *address_out = str_part(argument, 1, end == STR_NOT_FOUND ? argument.len - 1 : end - 1);
        return true;
    }
    (void) str_next_word(&argument, " \t", &word);
    *address_out = word;
    return true;
}

static enum outcome run_mail(struct client *client, struct str argument)
{
    struct str sender;

    if (client->settings->helo_required && client->helo.len == 0)
        return say(client, "503 5.5.1 Error: send HELO/EHLO first");
    if (client->has_mail)
        return say(client, "503 5.5.1 Error: nested MAIL command");
    if (!take_address(argument, "FROM", &sender))
        return say(client, "501 5.5.4 Syntax: MAIL FROM:<address>");
    client->sender = arena_str(client->arena, sender);
    client->mail_line = arena_printf(client->arena, "MAIL %.*s", STR_ARG(argument));
    client->has_mail = true;
    return say(client, "250 2.1.0 Ok");
}

/* Nothing of the dialogue is left over that smtpd would not see: it begins with this command. */
/* Where lines are others than came, those of smtpd's own filter would be others again. */
static bool may_carry_on(const struct client *client, struct str recipient)
{
    return handed_session_takes_line(client->helo_line) && handed_session_takes_line(client->mail_line) &&
           handed_session_takes_line(recipient) && client->settings->carry_on && client->refusal.len == 0 &&
           client->failed == 0 && client->ignored == 0 && !client->is_vetoed && !client->is_rewritten &&
           !postscreen_is_smtpd_busy(client->postscreen) && !stream_has_input(client->connection->stream);
}

static struct str refusal_of(const struct client *client)
{
    return client->refusal.len > 0 ? client->refusal : UNAVAILABLE;
}

static void refuse_recipient(struct client *client)
{
    struct str reply = refusal_of(client);

    log_reject(client, reply, client->recipient);
    client_answer(client, reply);
}

static enum outcome run_rcpt(struct client *client, struct str argument)
{
    if (!client->has_mail)
        return say(client, "503 5.5.1 Error: need MAIL command");
    if (!take_address(argument, "TO", &client->recipient))
        return say(client, "501 5.5.4 Syntax: RCPT TO:<address>");
    if (may_carry_on(client, argument))
        return HANDED;
    refuse_recipient(client);
    return GOES_ON;
}

static enum outcome run_data(struct client *client, struct str argument)
{
    log_no_recipient(client, "DATA");
    if (argument.len > 0)
        say(client, "501 5.5.4 Syntax: DATA");
    else if (!client->has_mail)
        say(client, "503 5.5.1 Error: need RCPT command");
    else
        say(client, "554 5.5.1 Error: no valid recipients");
    return OVER;
}

static enum outcome run_bdat(struct client *client, struct str argument)
{
    log_no_recipient(client, "BDAT");
    if (argument.len == 0)
        say(client, "501 5.5.4 Syntax: BDAT count [LAST]");
    else if (!client->has_mail)
        say(client, "554 5.5.1 Error: need MAIL command");
    else
        say(client, "554 5.5.1 Error: no valid recipients");
    return OVER;
}

static enum outcome run_rset(struct client *client, struct str argument)
{
    (void) argument;
    forget_transaction(client);
    return say(client, "250 2.0.0 Ok");
}

static enum outcome run_noop(struct client *client, struct str argument)
{
    (void) argument;
    return say(client, "250 2.0.0 Ok");
}

static enum outcome run_vrfy(struct client *client, struct str argument)
{
    if (argument.len == 0)
        return say(client, "501 5.5.4 Syntax: VRFY address");
    if (client->settings->disable_vrfy_command)
        return say(client, "502 5.5.1 VRFY command is disabled");
    client_answer(client, refusal_of(client));
    return GOES_ON;
}

static enum outcome run_etrn(struct client *client, struct str argument)
{
    if (client->settings->helo_required && client->helo.len == 0)
        return say(client, "503 5.5.1 Error: send HELO/EHLO first");
    return say(client, argument.len == 0 ? "500 Syntax: ETRN domain" : "458 Unable to queue messages");
}

static enum outcome run_quit(struct client *client, struct str argument)
{
    (void) argument;
    say(client, "221 2.0.0 Bye");
    return OVER;
}

static enum outcome run_starttls(struct client *client, struct str argument)
{
    if (client->postscreen->tls_level == SCREEN_TLS_NONE || client->discarded_keywords & KEYWORD_STARTTLS)
        return say(client, "502 5.5.1 Error: command not implemented");
    if (argument.len > 0)
        return say(client, "501 5.5.4 Syntax: STARTTLS");
    if (client->tls.len > 0)
        return say(client, "554 5.5.1 Error: TLS already active");
    switch (encryption_begin(client)) {
    case ENCRYPTION_UNAVAILABLE:
        return say(client, "454 4.7.0 TLS not available due to local problem");
    case ENCRYPTION_FAILED:
        return OVER;
    case ENCRYPTION_DONE:
        break;
    }
    forget_transaction(client);
    client->helo = client->helo_line = STR_EMPTY;
    return GOES_ON;
}

static const struct verb verbs[] = {
    { "EHLO", run_ehlo, true },  { "HELO", run_helo, true },  { "STARTTLS", run_starttls, true },
    { "MAIL", run_mail, false }, { "RCPT", run_rcpt, false }, { "DATA", run_data, false },
    { "BDAT", run_bdat, false }, { "RSET", run_rset, false }, { "NOOP", run_noop, true },
    { "VRFY", run_vrfy, false }, { "ETRN", run_etrn, false }, { "QUIT", run_quit, true },
};

static const struct verb *find_verb(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (str_equal_nocase(name, str_from_c(verbs[i].name)))
            return &verbs[i];
    }
    return NULL;
}

/* ---- the tests ---- */

static bool is_tested(const struct client *client, enum test test)
{
    return client->todo & ~(client->failed | client->ignored) & TEST_BIT(test);
}

static bool test_newline(struct client *client, struct str line, bool is_bare)
{
    if (!is_bare || !is_tested(client, TEST_BARE_NEWLINE))
        return true;
    log_bare_newline(client, line);
    return client_fail(client, TEST_BARE_NEWLINE, client->settings->bare_newline_action, PROTOCOL_ERROR, PROTOCOL_DROP);
}

/* "Subject: hello": a message, not a command. */
static bool is_header(struct str line)
{
    size_t colon = str_find_char(line, ':');

    if (colon == STR_NOT_FOUND || colon == 0)
        return false;
    for (size_t i = 0; i < colon; i++) {
        if (line.data[i] <= ' ' || line.data[i] >= 127)
            return false;
    }
    return true;
}

static bool is_forbidden(struct client *client, struct str name, struct str line)
{
    struct match_list *list = client->postscreen->forbidden_commands;
    struct failure why;

    if (find_verb(name) != NULL)
        return false;
    switch (match_list_has(list, name, &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("postscreen_forbidden_commands"), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return is_header(line);
}

static bool test_command(struct client *client, struct str name, struct str line)
{
    if (!is_tested(client, TEST_NON_SMTP_COMMAND) || !is_forbidden(client, name, line))
        return true;
    log_non_smtp_command(client, line);
    return client_fail(client, TEST_NON_SMTP_COMMAND, client->settings->non_smtp_command_action, PROTOCOL_ERROR,
                       STR("521 5.7.0 Error: I can break rules, too. Goodbye."));
}

static bool test_pipelining(struct client *client, struct str name)
{
    struct str early = stream_buffered(client->connection->stream);

    if (early.len == 0 || !is_tested(client, TEST_PIPELINING))
        return true;
    log_pipelining(client, name, early);
    return client_fail(client, TEST_PIPELINING, client->settings->pipelining_action, PROTOCOL_ERROR, PROTOCOL_DROP);
}

/* ---- commands ---- */

static enum outcome end_by_limit(struct client *client, const char *which)
{
    log_command_limit(client, which);
    client_answer(client, arena_printf(client->arena, "421 %.*s Service unavailable - try again later",
                                       STR_ARG(client->postscreen->shared->myhostname)));
    return OVER;
}

static enum outcome end_by_failure(struct client *client, const struct failure *why)
{
    struct str host = client->postscreen->shared->myhostname;

    stream_set_deadline(client->connection->stream, STREAM_NO_DEADLINE);
    if (why->kind == FAILURE_TIMEOUT) {
        log_command_limit(client, "TIME");
        client_answer(client, arena_printf(client->arena, "421 4.4.2 %.*s Error: timeout exceeded", STR_ARG(host)));
    } else if (why->kind == FAILURE_STOPPED) {
        client_say_goodbye(client);
    } else {
        log_hangup(client);
    }
    return OVER;
}

/* What postscreen_command_filter makes of the line. */
static struct str filter(struct client *client, struct str line)
{
    struct table_list *table = client->postscreen->command_filter;
    struct str replacement;
    struct failure why;

    if (table_list_is_empty(table))
        return line;
    switch (table_list_find(table, line, TABLE_ANY_KIND, client->arena, &replacement, &why)) {
    case TABLE_FOUND:
        log_command_replaced(client, line, replacement);
        client->is_rewritten = true;
        return replacement;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(table), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return line;
}

static bool needs_tls(const struct client *client, const struct verb *verb)
{
    return client->postscreen->tls_level == SCREEN_TLS_REQUIRED && client->tls.len == 0 && !verb->is_allowed_in_clear;
}

static enum outcome execute(struct client *client, struct str line)
{
    struct str rest, name = STR_EMPTY;
    const struct verb *verb;

    while (str_starts_with(line, STR(" ")))
        line = str_from(line, 1);
    rest = line;
    (void) str_next_word(&rest, " ", &name);
    verb = find_verb(name);
    if (!test_command(client, name, line) || !test_pipelining(client, name))
        return OVER;
    /* Whoever comes to it has done all that a client does which sends mail, whatever the answer is. */
    if (verb != NULL && verb->run == run_rcpt)
        client->passed |= client->todo & TESTS_OF_DIALOGUE;
    if (++client->command_count > (unsigned) client->settings->command_count_limit &&
        (verb == NULL || verb->run != run_quit))
        return end_by_limit(client, "COUNT");
    client->where = verb != NULL ? verb->name : "UNIMPLEMENTED";
    if (verb == NULL)
        return say(client, "502 5.5.2 Error: command not recognized");
    if (needs_tls(client, verb))
        return say(client, "530 5.7.0 Must issue a STARTTLS command first");
    return verb->run(client, str_trim(rest));
}

/* Without its end. A NUL ends it too: nothing behind one was meant for us. */
static struct str strip(struct str raw, bool *is_bare_out)
{
    struct str line = str_part(raw, 0, raw.len - 1);

    *is_bare_out = line.len == 0 || line.data[line.len - 1] != '\r';
    if (!*is_bare_out)
        line.len--;
    return str_part(line, 0, str_contains_char(line, '\0') ? str_find_char(line, '\0') : line.len);
}

/* line_out: in the client's arena. */
static enum outcome serve_command(struct client *client, struct str *line_out)
{
    struct stream *stream = client->connection->stream;
    size_t limit = (size_t) client->postscreen->shared->line_length_limit;
    struct failure why;
    struct str raw;
    bool is_bare;

    stream_set_deadline(stream, instant_add(loop_now(client->postscreen->loop), client->settings->command_time_limit));
    if (!daemon_session_read_line(client->connection, limit, &raw, &why))
        return end_by_failure(client, &why);
    stream_set_deadline(stream, STREAM_NO_DEADLINE);
    if (raw.len == 0 || raw.data[raw.len - 1] != '\n') {
        if (raw.len >= limit)
            return end_by_limit(client, "LENGTH");
        log_hangup(client);
        return OVER;
    }
    *line_out = arena_str(client->arena, strip(raw, &is_bare));
    if (!test_newline(client, *line_out, is_bare))
        return OVER;
    *line_out = filter(client, *line_out);
    return execute(client, *line_out);
}

/* HANDED: smtpd has it. Else it hears what it would hear without it. */
static enum outcome carry_on(struct client *client, struct str line)
{
    client_remember(client);
    if (client_hand_over(client, line))
        return HANDED;
    refuse_recipient(client);
    return GOES_ON;
}

bool dialogue_run(struct client *client)
{
    enum outcome outcome = GOES_ON;
    struct str line;

    stream_set_timeout(client->connection->stream, client->settings->command_time_limit);
    keywords_find(client);
    if (!(client->failed & TEST_BIT(TEST_GREETING)))
        client_answer(client, arena_printf(client->arena, "220 %.*s", STR_ARG(client->settings->smtpd_banner)));
    while (outcome == GOES_ON) {
        outcome = serve_command(client, &line);
        if (outcome == HANDED)
            outcome = carry_on(client, line);
    }
    return outcome == HANDED;
}
