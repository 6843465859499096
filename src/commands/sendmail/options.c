/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/options.h"

#include "mail/dsn.h"

#include <unistd.h>

struct parsing {
    struct sendmail_options *options;
    struct arena *arena;
    struct failure *why;
};

enum { ENVID_MAX = 100 };

static bool warn(struct parsing *parsing, const char *text)
{
    strlist_add(&parsing->options->warnings, parsing->arena, str_from_c(text));
    return true;
}

static bool set_mode(struct parsing *parsing, struct str value)
{
    static const struct {
        char letter;
        enum sendmail_mode mode;
    } modes[] = { { 'd', SENDMAIL_DAEMON }, { 'l', SENDMAIL_DAEMON },  { 'h', SENDMAIL_IGNORE },
                  { 'H', SENDMAIL_IGNORE }, { 'i', SENDMAIL_ALIASES }, { 'm', SENDMAIL_DELIVER },
                  { 'p', SENDMAIL_LIST },   { 's', SENDMAIL_SMTP },    { 'v', SENDMAIL_DELIVER } };

    parsing->options->wants_verify_report = str_starts_with(value, STR("v"));
    for (size_t i = 0; value.len > 0 && i < ARRAY_COUNT(modes); i++)
        if (value.data[0] == modes[i].letter) {
            parsing->options->mode = modes[i].mode;
            return true;
        }
    return failure_set(parsing->why, FAILURE_PROTOCOL, 0, "unsupported: -b%.*s", STR_ARG(value));
}

static bool set_body(struct parsing *parsing, struct str value)
{
    if (str_equal(value, STR("8BITMIME")))
        parsing->options->encoding = STR("8bit");
    else if (str_equal(value, STR("7BIT")))
        parsing->options->encoding = STR("7bit");
    else
        return failure_set(parsing->why, FAILURE_PROTOCOL, 0, "-B option needs 8BITMIME or 7BIT");
    return true;
}

/* The first word that means nothing. */
static void warn_of_notify(struct parsing *parsing, struct str value)
{
    static const char *const words[] = { "never", "success", "failure", "delay" };
    struct str rest = value;
    struct str word;

    while (str_next_word(&rest, ", ", &word)) {
        bool is_known = false;

        for (size_t i = 0; i < ARRAY_COUNT(words); i++)
            is_known = is_known || str_equal_nocase(word, str_from_c(words[i]));
        if (!is_known) {
            strlist_add(&parsing->options->warnings, parsing->arena,
                        arena_printf(parsing->arena, "unknown DSN NOTIFY command value \"%.*s\" in \"%.*s\"",
                                     STR_ARG(word), STR_ARG(value)));
            return;
        }
    }
}

static bool set_notify(struct parsing *parsing, struct str value)
{
    unsigned notify;

    if (!dsn_notify_parse(value, &notify)) {
        warn_of_notify(parsing, value);
        return warn(parsing, "bad -N option value -- ignored");
    }
    parsing->options->dsn_notify = value;
    return true;
}

static bool set_return(struct parsing *parsing, struct str value)
{
    enum dsn_return what;

    if (!dsn_return_parse(value, &what))
        return warn(parsing, "bad -R option value -- ignored");
    parsing->options->dsn_return = dsn_return_name(what);
    return true;
}

/* As it stands in the report, not as xtext. */
static bool set_envid(struct parsing *parsing, struct str value)
{
    bool is_good = value.len <= ENVID_MAX;

    for (size_t i = 0; i < value.len; i++)
        is_good = is_good && char_is_print(value.data[i]);
    if (!is_good)
        return warn(parsing, "bad -V option value -- ignored");
    parsing->options->envid = arena_str(parsing->arena, value);
    return true;
}

/* "-XV", "-XV+=": VERP. "-X file" is a log that nobody writes. */
static bool set_verp(struct parsing *parsing, struct str value)
{
    if (value.len == 0 || value.data[0] != 'V')
        return true;
    parsing->options->wants_verp = true;
    parsing->options->verp_delimiters = str_from(value, 1);
    return true;
}

/* "-q": now; "-qRsite", "-qIid": part of it; "-q30m": queue_run_delay says that. */
static bool set_queue(struct parsing *parsing, struct str value)
{
    struct sendmail_options *options = parsing->options;

    if (value.len == 0) {
        options->mode = SENDMAIL_FLUSH;
    } else if (char_is_digit(value.data[0])) {
        options->has_interval = true;
    } else if (value.data[0] == 'R' || value.data[0] == 'I') {
        if (value.len == 1)
            return failure_set(parsing->why, FAILURE_RETRY, 0, "specify: -q%s",
                               value.data[0] == 'R' ? "Rsitename" : "Iqueueid");
        if (options->mode != SENDMAIL_DELIVER)
            return failure_set(parsing->why, FAILURE_RETRY, 0, "-q%c can be used only in delivery mode", value.data[0]);
        options->mode = SENDMAIL_FLUSH;
        if (value.data[0] == 'R')
            options->flush_site = str_from(value, 1);
        else
            options->flush_id = str_from(value, 1);
    } else {
        return failure_set(parsing->why, FAILURE_PROTOCOL, 0, "-q%c is not implemented", value.data[0]);
    }
    return true;
}

/* -oX and -OLongName=value: few of them mean something here. */
static bool set_old_option(struct parsing *parsing, struct str value)
{
    if (value.len > 0 && value.data[0] == 'i')
        parsing->options->reads_dots = true;
    else if (value.len > 1 && value.data[0] == 'A')
        parsing->options->alias_database = str_from(value, 1);
    return true;
}

static bool set_config(struct parsing *parsing, struct str value)
{
    size_t slash = str_find_last_char(value, '/');

    if (str_ends_with(value, STR("/main.cf")))
        value = str_part(value, 0, slash == 0 ? 1 : slash);
    parsing->options->config_directory = value;
    return true;
}

static bool set_sender(struct parsing *parsing, struct str value)
{
    parsing->options->sender = value;
    parsing->options->has_sender = true;
    return true;
}

static bool set_full_name(struct parsing *parsing, struct str value)
{
    parsing->options->full_name = value;
    parsing->options->has_full_name = true;
    return true;
}

static bool set_dots(struct parsing *parsing, struct str value)
{
    (void) value;
    parsing->options->reads_dots = true;
    return true;
}

static bool set_relayed(struct parsing *parsing, struct str value)
{
    (void) value;
    parsing->options->is_relayed = true;
    return true;
}

static bool set_extract(struct parsing *parsing, struct str value)
{
    (void) value;
    parsing->options->extracts_recipients = true;
    return true;
}

static bool set_verbose(struct parsing *parsing, struct str value)
{
    (void) value;
    parsing->options->verbosity++;
    return true;
}

static bool set_aliases(struct parsing *parsing, struct str value)
{
    (void) value;
    parsing->options->mode = SENDMAIL_ALIASES;
    return true;
}

static bool refuse(struct parsing *parsing, struct str value)
{
    (void) value;
    return failure_set(parsing->why, FAILURE_PROTOCOL, 0, "-n option not supported");
}

enum argument {
    NO_ARGUMENT,
    ARGUMENT,         /* the rest of the word, or the next word */
    ARGUMENT_IN_WORD, /* the rest of the word, which may be empty */
};

/* NULL: taken and ignored. */
static const struct option_row {
    char letter;
    enum argument argument;
    bool (*set)(struct parsing *parsing, struct str value);
} rows[] = {
    { 'A', ARGUMENT_IN_WORD, NULL }, /* -Ac, -Am: which submission configuration */
    { 'B', ARGUMENT, set_body },       { 'C', ARGUMENT, set_config },
    { 'F', ARGUMENT, set_full_name },  { 'G', NO_ARGUMENT, set_relayed },
    { 'I', NO_ARGUMENT, set_aliases }, { 'L', ARGUMENT, NULL },
    { 'N', ARGUMENT, set_notify },     { 'O', ARGUMENT, NULL },
    { 'R', ARGUMENT, set_return },     { 'U', NO_ARGUMENT, NULL },
    { 'V', ARGUMENT, set_envid },      { 'X', ARGUMENT, set_verp },
    { 'b', ARGUMENT, set_mode },       { 'e', ARGUMENT, NULL },
    { 'f', ARGUMENT, set_sender },     { 'h', ARGUMENT, NULL },
    { 'i', NO_ARGUMENT, set_dots },    { 'm', NO_ARGUMENT, NULL },
    { 'n', NO_ARGUMENT, refuse },      { 'o', ARGUMENT, set_old_option },
    { 'p', ARGUMENT, NULL },           { 'q', ARGUMENT_IN_WORD, set_queue },
    { 'r', ARGUMENT, set_sender },     { 't', NO_ARGUMENT, set_extract },
    { 'v', NO_ARGUMENT, set_verbose }, { 'x', NO_ARGUMENT, NULL },
};

static const struct option_row *find_row(char letter)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (rows[i].letter == letter)
            return &rows[i];
    return NULL;
}

/* What was VERP before -V was the envelope id: "-Vxy", and "-V" alone before a word of two letters. */
static bool is_old_verp(struct str word, int argc, char **argv, int next)
{
    if (str_equal(word, STR("-V")))
        return next < argc && strlen(argv[next]) == 2;
    return word.len == 4 && str_starts_with(word, STR("-V"));
}

static bool take_old_verp(struct parsing *parsing, struct str word)
{
    strlist_add_view(&parsing->options->warnings, parsing->arena,
                     arena_printf(parsing->arena, "option %.*s is deprecated with Postfix 2.3; specify -X%.*s instead",
                                  STR_ARG(word), STR_ARG(str_from(word, 1))));
    return set_verp(parsing, str_from(word, 1));
}

static bool complain(struct parsing *parsing, const char *what, char letter)
{
    parsing->options->complaint = arena_printf(parsing->arena, "%s -- '%c'", what, letter);
    return failure_set(parsing->why, FAILURE_PROTOCOL, 0, "usage: sendmail [options]");
}

/* One word that starts with '-'; *next is the word after it and moves on if it was an argument. */
static bool parse_word(struct parsing *parsing, struct str word, int argc, char **argv, int *next)
{
    if (is_old_verp(word, argc, argv, *next))
        return take_old_verp(parsing, word);
    for (size_t i = 1; i < word.len; i++) {
        const struct option_row *row = find_row(word.data[i]);
        struct str value = STR_EMPTY;

        if (row == NULL)
            return complain(parsing, "invalid option", word.data[i]);
        if (row->argument != NO_ARGUMENT) {
            value = str_from(word, i + 1);
            i = word.len;
            if (value.len == 0 && row->argument == ARGUMENT) {
                if (*next >= argc)
                    return complain(parsing, "option requires an argument", row->letter);
                value = str_from_c(argv[(*next)++]);
            }
        }
        if (row->set != NULL && !row->set(parsing, value))
            return false;
    }
    return true;
}

/* A site or a message is asked for alone: -qRx -bp as little as -bp -qRx. */
static bool has_one_mode(const struct sendmail_options *options, struct failure *why)
{
    bool is_part = options->flush_site.len > 0 || options->flush_id.len > 0;

    if (!is_part || options->mode == SENDMAIL_FLUSH)
        return true;
    return failure_set(why, FAILURE_RETRY, 0, "-q%c can be used only in delivery mode",
                       options->flush_site.len > 0 ? 'R' : 'I');
}

/* A recipient beside another task is a mistake: mail that is meant to go must not be swallowed. */
static bool has_no_stray_recipient(const struct sendmail_options *options, struct failure *why)
{
    static const char *const tasks[] = {
        [SENDMAIL_SMTP] = "stand-alone mode",   [SENDMAIL_DAEMON] = "daemon mode",
        [SENDMAIL_LIST] = "display queue mode", [SENDMAIL_ALIASES] = "alias initialization mode",
        [SENDMAIL_FLUSH] = "flush queue mode",  [SENDMAIL_IGNORE] = NULL,
    };
    const char *task = options->has_interval ? "daemon mode" : tasks[options->mode];

    if (options->recipients.count == 0 || task == NULL)
        return true;
    if (options->flush_site.len > 0)
        task = "flush site";
    else if (options->flush_id.len > 0)
        task = "flush queue_id";
    return failure_set(why, FAILURE_PROTOCOL, 0, "%s requires no recipient", task);
}

/* A report of the route is all that -bv gives, of what the command line names. */
static bool is_whole_report(const struct sendmail_options *options, struct failure *why)
{
    const struct {
        bool is_given;
        char letter;
    } others[] = {
        { options->extracts_recipients, 't' },
        { options->dsn_notify.len > 0, 'N' },
        { options->dsn_return.len > 0, 'R' },
        { options->verbosity > 0, 'v' },
    };

    if (!options->wants_verify_report)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (others[i].is_given)
            return failure_set(why, FAILURE_PROTOCOL, 0, "-%c option cannot be used with -bv", others[i].letter);
    }
    return true;
}

bool sendmail_options_parse(struct sendmail_options *options, struct arena *arena, struct str program, int argc,
                            char **argv, struct failure *why)
{
    struct parsing parsing = { .options = options, .arena = arena, .why = why };
    int next = 1;

    *options = (struct sendmail_options){ 0 };
    if (str_equal(program, STR("mailq")))
        options->mode = SENDMAIL_LIST;
    else if (str_equal(program, STR("newaliases")))
        options->mode = SENDMAIL_ALIASES;
    else if (str_equal(program, STR("smtpd")))
        options->mode = SENDMAIL_DAEMON;
    while (next < argc) {
        struct str word = str_from_c(argv[next]);

        if (word.len < 2 || word.data[0] != '-')
            break;
        next++;
        if (str_equal(word, STR("--")))
            break;
        if (!parse_word(&parsing, word, argc, argv, &next))
            return false;
    }
    for (; next < argc; next++)
        strlist_add(&options->recipients, arena, str_from_c(argv[next]));
    if (options->has_interval && options->mode != SENDMAIL_DAEMON)
        options->mode = SENDMAIL_IGNORE;
    return is_whole_report(options, why) && has_one_mode(options, why) && has_no_stray_recipient(options, why);
}
