/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/submit.h"

#include "log/log.h"
#include "mail/address_list.h"
#include "mail/header.h"
#include "mail/quote.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"
#include "os/user.h"
#include "protocol/submission.h"
#include "sendmail/input.h"

#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* The header is looked through for recipients up to this size. */
enum { HEADER_MAXIMUM = 4 * 1024 * 1024, ADDRESSES_MAXIMUM = 100000 };

struct submit {
    const struct sendmail_options *options;
    const struct submit_settings *settings;
    struct arena *arena;
    struct submission wishes;
    struct input input;
    struct strbuf content; /* what was read and not yet handed over */
    pid_t postdrop;
    int pipe;
};

/* ---- whose mail it is ---- */

/* "user" and "user(uid)" for messages; the login name where it can be known. */
static struct str user_text(struct arena *arena, const struct user_account *user)
{
    return arena_printf(arena, "%.*s(%ld)", STR_ARG(user->name), (long) getuid());
}

/* The same with the sender, where one was given. */
static struct str submitter_text(const struct submit *submit, const struct user_account *user)
{
    const struct user_account as_given = { .name = submit->wishes.sender };

    return user_text(submit->arena, submit->options->has_sender ? &as_given : user);
}

static struct user_account find_user(struct arena *arena)
{
    const char *login = environment_get("LOGNAME");
    struct user_account user, by_name;
    struct failure why;

    if (user_by_uid(arena, getuid(), &user, &why) != USER_FOUND)
        return (struct user_account){ .name = arena_printf(arena, "uid%ld", (long) getuid()) };
    /* Several names may share a uid: the one that was logged in with counts. */
    if (login != NULL && user_by_name(arena, str_from_c(login), &by_name, &why) == USER_FOUND &&
        by_name.uid == user.uid)
        return by_name;
    return user;
}

/* GECOS has '&' for the user's name with a capital. */
static struct str expand_full_name(struct arena *arena, const struct user_account *user)
{
    struct strbuf name;
    struct str copy;

    strbuf_init(&name, 1000);
    for (size_t i = 0; i < user->full_name.len; i++) {
        char c = user->full_name.data[i];

        if (c != '&') {
            strbuf_append_char(&name, c);
        } else if (user->name.len > 0) {
            strbuf_append_char(&name, char_to_upper(user->name.data[0]));
            strbuf_append(&name, str_from(user->name, 1));
        }
    }
    copy = arena_str(arena, strbuf_str(&name));
    strbuf_done(&name);
    return copy;
}

static void set_sender(struct submit *submit, const struct user_account *user)
{
    const struct sendmail_options *options = submit->options;
    const char *name = environment_get("NAME");
    struct address_list list;

    submit->wishes.sender = user->name;
    if (options->has_sender && options->sender.len > 0) {
        address_list_parse(&list, submit->arena, options->sender, 2);
        if (list.count > 1)
            log_warning("-f option specified malformed sender: %.*s", STR_ARG(options->sender));
        submit->wishes.sender = list.count > 0 ? list.items[0].address : STR_EMPTY;
    } else if (options->has_sender) {
        submit->wishes.sender = STR_EMPTY;
    }
    if (options->has_full_name)
        submit->wishes.full_name = options->full_name;
    else if (name != NULL)
        submit->wishes.full_name = str_from_c(name);
    else
        submit->wishes.full_name = expand_full_name(submit->arena, user);
}

static void set_recipients(struct submit *submit)
{
    const struct strlist *words = &submit->options->recipients;

    for (size_t i = 0; i < words->count; i++) {
        struct address_list list;

        address_list_parse(&list, submit->arena, words->items[i], ADDRESSES_MAXIMUM);
        for (size_t k = 0; k < list.count; k++)
            strlist_add_view(&submit->wishes.recipients, submit->arena, list.items[k].address);
        if (list.count == 0)
            strlist_add_view(&submit->wishes.recipients, submit->arena, words->items[i]);
    }
}

/* ---- -t ---- */

/* Reads until the header is whole, so that a message without recipients is told at once. */
static bool read_header(struct submit *submit, struct failure *why)
{
    struct strbuf piece;
    bool is_good = true;

    strbuf_init(&piece, STRBUF_UNLIMITED);
    while (is_good && !submit->input.is_ended && submit->content.len < HEADER_MAXIMUM &&
           str_find(strbuf_str(&submit->content), STR("\n\n")) == STR_NOT_FOUND) {
        strbuf_clear(&piece);
        is_good = input_read(&submit->input, &piece, why);
        strbuf_append(&submit->content, strbuf_str(&piece));
    }
    strbuf_done(&piece);
    return is_good;
}

static size_t count_recipients(struct submit *submit)
{
    struct str rest = strbuf_str(&submit->content);
    struct header_field field;
    size_t count = 0;

    while (header_take_field(&rest, &field)) {
        struct address_list list;

        if (!(header_kind_find(field.name)->flags & HEADER_EXTRACT))
            continue;
        address_list_parse(&list, submit->arena, field.value, ADDRESSES_MAXIMUM);
        for (size_t i = 0; i < list.count; i++)
            count += !list.items[i].has_brackets || list.items[i].address.len > 0;
    }
    return count;
}

/* Reports about a list cannot come back to nobody. */
static bool check_sender(struct submit *submit, const struct user_account *user, struct failure *why)
{
    struct str who = submitter_text(submit, user);

    if (!submit->options->wants_verp || submit->wishes.sender.len > 0)
        return true;
    return failure_set(why, FAILURE_PROTOCOL, 0, "%.*s: -V option requires non-null sender address", STR_ARG(who));
}

static bool check_recipients(struct submit *submit, const struct user_account *user, struct failure *why)
{
    struct str who = submitter_text(submit, user);

    if (!submit->options->extracts_recipients) {
        if (submit->wishes.recipients.count > 0)
            return true;
        return failure_set(why, FAILURE_PROTOCOL, 0,
                           "%.*s: Recipient addresses must be specified on the command line or via the -t option",
                           STR_ARG(who));
    }
    if (!read_header(submit, why))
        return false;
    if (submit->wishes.recipients.count > 0 || count_recipients(submit) > 0)
        return true;
    return failure_set(why, FAILURE_PROTOCOL, 0, "%.*s: No recipient addresses found in message header", STR_ARG(who));
}

/* ---- to postdrop ---- */

static bool start_postdrop(struct submit *submit, struct failure *why)
{
    struct arena *arena = submit->arena;
    char *config = arena_c(arena, submit->settings->config_directory);
    char *arguments[] = { arena_c(arena, STR("postdrop")), arena_c(arena, STR("-c")), config, NULL };
    int ends[2] = { -1, -1 };

    if (!fd_pipe(ends, why))
        return false;

    const struct process_fd fds[] = { { ends[0], 0 }, { STDERR_FILENO, 2 } };
    const struct process_start start = {
        .path = arena_printf(arena, "%.*s/postdrop", STR_ARG(submit->settings->command_directory)).data,
        .arguments = arguments,
        .fds = fds,
        .fd_count = ARRAY_COUNT(fds),
    };
    bool is_started = process_start(&start, &submit->postdrop, why);

    fd_close(&ends[0]);
    if (is_started)
        submit->pipe = fd_take(&ends[1]);
    fd_close(&ends[1]);
    return is_started;
}

static bool send_piece(struct submit *submit, struct str bytes, struct failure *why)
{
    unsigned char head[4];

    submission_put_length(head, bytes.len);
    return file_write(submit->pipe, "postdrop", str_make((const char *) head, sizeof head), why) &&
           file_write(submit->pipe, "postdrop", bytes, why);
}

static bool send_content(struct submit *submit, struct str bytes, struct failure *why)
{
    while (bytes.len > 0) {
        struct str piece = str_part(bytes, 0, SUBMISSION_PIECE_MAXIMUM);

        if (!send_piece(submit, piece, why))
            return false;
        bytes = str_from(bytes, piece.len);
    }
    return true;
}

static bool send_wishes(struct submit *submit, struct failure *why)
{
    struct strbuf bytes;
    int fd = -1;
    bool is_good;

    strbuf_init(&bytes, SUBMISSION_WISHES_MAXIMUM);
    is_good = message_encode(&submission_message, &submit->wishes, &bytes, &fd, why) &&
              send_piece(submit, strbuf_str(&bytes), why);
    strbuf_done(&bytes);
    return is_good;
}

static bool send_all(struct submit *submit, struct failure *why)
{
    if (!send_wishes(submit, why) || !send_content(submit, strbuf_str(&submit->content), why))
        return false;
    while (!submit->input.is_ended) {
        strbuf_clear(&submit->content);
        if (!input_read(&submit->input, &submit->content, why) ||
            !send_content(submit, strbuf_str(&submit->content), why))
            return false;
    }
    return send_piece(submit, STR_EMPTY, why);
}

/* What postdrop's end says outranks a broken pipe: it has told the reason on standard error. */
static bool finish_postdrop(struct submit *submit, bool is_sent, const struct user_account *user, struct failure *why)
{
    struct str who = user_text(submit->arena, user);
    int status;

    fd_close(&submit->pipe);
    if (!process_wait(submit->postdrop, &status, is_sent ? why : NULL))
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return is_sent;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_DATAERR) {
        who = submitter_text(submit, user);
        return failure_set(why, FAILURE_PERMANENT, 0, "%.*s: message file too big", STR_ARG(who));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_NOPERM)
        return failure_set(why, FAILURE_PERMANENT, 0, "User %.*s is not allowed to submit mail", STR_ARG(who));
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_NOUSER)
        return failure_set(why, FAILURE_PERMANENT, 0, "%.*s: not authorized to use sender='%.*s'", STR_ARG(who),
                           STR_ARG(submit->wishes.sender));
    return failure_set(why, FAILURE_RETRY, 0, "%.*s: queue file write error", STR_ARG(who));
}

static void fill_wishes(struct submit *submit)
{
    const struct sendmail_options *options = submit->options;

    submit->wishes.envid = options->envid;
    submit->wishes.dsn_return = options->dsn_return;
    submit->wishes.dsn_notify = options->dsn_notify;
    submit->wishes.verp_delimiters = options->verp_delimiters;
    submit->wishes.encoding = options->encoding;
    submit->wishes.wants_extraction = options->extracts_recipients;
    submit->wishes.wants_verify_report = options->wants_verify_report;
    submit->wishes.wants_delivery_report = options->verbosity == 1 && !options->wants_verify_report;
    submit->wishes.is_relayed = options->is_relayed;
    submit->wishes.wants_smtputf8 = options->wants_smtputf8;
}

/* Nobody reads it: there are the addresses and what becomes of them when they are rewritten. */
static void write_probe(struct submit *submit)
{
    const struct strlist *recipients = &submit->wishes.recipients;

    submit->input.is_ended = true;
    strbuf_append(&submit->content, STR("From: "));
    quote_address(&submit->content, submit->wishes.sender);
    strbuf_append(&submit->content, STR("\nSubject: probe\nTo:"));
    for (size_t i = 0; i < recipients->count; i++) {
        strbuf_append(&submit->content, i == 0 ? STR("\t") : STR(",\n\t"));
        quote_address(&submit->content, recipients->items[i]);
    }
    strbuf_append(&submit->content, STR("\n\n"));
}

bool submit_message(const struct sendmail_options *options, const struct submit_settings *settings, struct arena *arena,
                    struct str *sender_out, struct failure *why)
{
    struct submit submit = { .options = options, .settings = settings, .arena = arena, .pipe = -1 };
    struct user_account user = find_user(arena);
    bool is_good;

    input_init(&submit.input, STDIN_FILENO, options->reads_dots, settings->line_endings);
    strbuf_init(&submit.content, STRBUF_UNLIMITED);
    fill_wishes(&submit);
    set_recipients(&submit);
    set_sender(&submit, &user);
    if (options->wants_verify_report)
        write_probe(&submit);
    is_good =
        check_sender(&submit, &user, why) && check_recipients(&submit, &user, why) && start_postdrop(&submit, why);
    if (is_good)
        is_good = finish_postdrop(&submit, send_all(&submit, why), &user, why);
    strbuf_done(&submit.content);
    input_done(&submit.input);
    if (is_good)
        *sender_out = submit.wishes.sender;
    return is_good;
}
