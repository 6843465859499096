/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/checks.h"

#include "mail/dsn.h"
#include "mail/header.h"
#include "table/table_list.h"

struct checks {
    struct table_list *tables[CHECKS_CLASS_COUNT]; /* NULL: none */
    unsigned actions;
    uint64_t body_size_limit;
};

/* One answer on its way to a verdict. */
struct answer {
    struct str title;
    struct str value;
    struct str argument;
    bool is_header;
    struct arena *arena;
    struct checks_verdict *verdict;
};

struct action_row {
    const char *name;
    enum checks_action action;
    bool (*judge)(struct answer *answer); /* whether the argument will do; with the complaint if not. NULL: any will */
};

static bool complain(struct answer *answer, struct str complaint)
{
    answer->verdict->complaint = complaint;
    return false;
}

static bool judge_address(struct answer *answer, const char *what)
{
    if (str_contains_char(answer->argument, '@'))
        return true;
    return complain(answer, arena_printf(answer->arena, "bad %s \"%.*s\" in %.*s map -- need user@domain", what,
                                         STR_ARG(answer->argument), STR_ARG(answer->title)));
}

static bool judge_bcc(struct answer *answer)
{
    return judge_address(answer, "BCC address");
}

static bool judge_redirect(struct answer *answer)
{
    return judge_address(answer, "REDIRECT target");
}

static bool judge_filter(struct answer *answer)
{
    if (answer->argument.len == 0)
        return complain(
            answer, arena_printf(answer->arena, "missing FILTER command argument in %.*s map", STR_ARG(answer->title)));
    if (str_contains_char(answer->argument, ':'))
        return true;
    return complain(answer, arena_printf(answer->arena, "bad FILTER command %.*s in %.*s -- need transport:destination",
                                         STR_ARG(answer->argument), STR_ARG(answer->title)));
}

/* What is to stand in a header must be a field. */
static bool judge_line(struct answer *answer, const char *action)
{
    size_t name = header_name_length(answer->argument);

    if (answer->argument.len == 0)
        return complain(
            answer, arena_printf(answer->arena, "%s action without text in %.*s map", action, STR_ARG(answer->title)));
    if (!answer->is_header || name > 0)
        return true;
    return complain(answer, arena_printf(answer->arena,
                                         "bad %s header text \"%.*s\" in %.*s map -- need \"headername: headervalue\"",
                                         action, STR_ARG(answer->argument), STR_ARG(answer->title)));
}

static bool judge_prepend(struct answer *answer)
{
    return judge_line(answer, "PREPEND");
}

static bool judge_replace(struct answer *answer)
{
    return judge_line(answer, "REPLACE");
}

/* A status that is no refusal refuses for now. */
static bool judge_reject(struct answer *answer)
{
    struct str whole = answer->argument;
    struct dsn_status dsn = dsn_split_text(whole, DSN_STATUS(5, 7, 1), false, &answer->argument);
    char buffer[DSN_STATUS_SIZE];

    if (dsn.class != 4 && dsn.class != 5) {
        (void) complain(answer,
                        arena_printf(answer->arena, "bad DSN action in %.*s -- need 4.x.x or 5.x.x", STR_ARG(whole)));
        dsn.class = 4;
    }
    answer->verdict->dsn = arena_str(answer->arena, dsn_status_format(dsn, buffer));
    return true;
}

static const struct action_row rows[] = {
    { "BCC", CHECKS_BCC, judge_bcc },
    { "DISCARD", CHECKS_DISCARD, NULL },
    { "DUNNO", CHECKS_NONE, NULL },
    { "FILTER", CHECKS_FILTER, judge_filter },
    { "HOLD", CHECKS_HOLD, NULL },
    { "IGNORE", CHECKS_IGNORE, NULL },
    { "INFO", CHECKS_INFO, NULL },
    { "OK", CHECKS_NONE, NULL },
    { "PASS", CHECKS_PASS, NULL },
    { "PREPEND", CHECKS_PREPEND, judge_prepend },
    { "REDIRECT", CHECKS_REDIRECT, judge_redirect },
    { "REJECT", CHECKS_REJECT, judge_reject },
    { "REPLACE", CHECKS_REPLACE, judge_replace },
    { "STRIP", CHECKS_STRIP, NULL },
    { "WARN", CHECKS_WARN, NULL },
};

static const struct action_row *find_action(struct str word)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal_nocase(word, str_from_c(rows[i].name)))
            return &rows[i];
    }
    return NULL;
}

static void judge(struct answer *answer, unsigned actions)
{
    struct str word = str_part(answer->value, 0, str_find_any(answer->value, " \t"));
    const struct action_row *row = find_action(word);
    bool takes_all = actions == CHECKS_ACTIONS_ALL;

    if (row == NULL || (row->action != CHECKS_NONE && (actions & (1U << (unsigned) row->action)) == 0)) {
        (void) complain(answer, arena_printf(answer->arena, "%s command in %.*s map: %.*s",
                                             takes_all ? "unknown" : "unsupported", STR_ARG(answer->title),
                                             STR_ARG(answer->value)));
        return;
    }
    answer->argument = str_trim_left(str_from(answer->value, word.len));
    if (row->judge != NULL && !row->judge(answer))
        return;
    answer->verdict->action = row->action;
    answer->verdict->text = answer->argument;
}

struct checks_verdict checks_judge(struct str title, struct str value, enum checks_class class, unsigned actions,
                                   struct arena *arena)
{
    struct checks_verdict verdict = { .text = STR_EMPTY };
    struct answer answer = {
        .title = title,
        .value = value,
        .is_header = class != CHECKS_BODY,
        .arena = arena,
        .verdict = &verdict,
    };

    judge(&answer, actions);
    return verdict;
}

static struct checks_verdict ask(const struct checks *checks, enum checks_class class, struct str text,
                                 struct arena *arena)
{
    struct table_list *tables = checks->tables[class];
    struct checks_verdict verdict = { .text = STR_EMPTY };
    struct str value;
    struct failure why;

    if (tables == NULL || text.len == 0)
        return verdict;
    switch (table_list_find(tables, text, TABLE_ANY_KIND, arena, &value, &why)) {
    case TABLE_FOUND:
        return checks_judge(table_list_title(tables), value, class, checks->actions, arena);
    case TABLE_UNKNOWN:
        verdict.action = CHECKS_UNKNOWN;
        verdict.complaint = arena_str(arena, str_from_c(why.text));
        break;
    case TABLE_ABSENT:
        break;
    }
    return verdict;
}

struct checks_verdict checks_header(const struct checks *checks, enum checks_class class, struct str field,
                                    struct arena *arena)
{
    return ask(checks, class, field, arena);
}

struct checks_verdict checks_body(const struct checks *checks, struct str line, uint64_t offset, struct arena *arena)
{
    bool is_looked_at = checks->body_size_limit == 0 || offset < checks->body_size_limit;

    return ask(checks, CHECKS_BODY, is_looked_at ? line : STR_EMPTY, arena);
}

struct checks *checks_open(struct table_set *set, const struct checks_options *options, struct arena *arena)
{
    struct checks *checks = arena_new(arena, struct checks);

    checks->actions = options->actions;
    checks->body_size_limit = options->body_size_limit;
    for (size_t i = 0; i < CHECKS_CLASS_COUNT; i++) {
        struct table_list *tables = table_list_open(set, options->tables[i].title, options->tables[i].value, 0);

        if (!table_list_is_empty(tables))
            checks->tables[i] = tables;
    }
    return checks;
}

bool checks_has(const struct checks *checks, enum checks_class class)
{
    return checks->tables[class] != NULL;
}

bool checks_has_any(const struct checks *checks)
{
    bool has_one = false;

    for (size_t i = 0; i < CHECKS_CLASS_COUNT; i++)
        has_one = has_one || checks->tables[i] != NULL;
    return has_one;
}

struct str checks_title(const struct checks *checks, enum checks_class class)
{
    return checks->tables[class] == NULL ? STR_EMPTY : table_list_title(checks->tables[class]);
}

/* WARN alone is another word there. */
static const char *const action_words[] = {
    [CHECKS_NONE] = "dunno",        [CHECKS_BCC] = "bcc",       [CHECKS_DISCARD] = "discard",
    [CHECKS_FILTER] = "filter",     [CHECKS_HOLD] = "hold",     [CHECKS_IGNORE] = "ignore",
    [CHECKS_INFO] = "info",         [CHECKS_PASS] = "pass",     [CHECKS_PREPEND] = "prepend",
    [CHECKS_REDIRECT] = "redirect", [CHECKS_REJECT] = "reject", [CHECKS_REPLACE] = "replace",
    [CHECKS_STRIP] = "strip",       [CHECKS_WARN] = "warning",  [CHECKS_UNKNOWN] = "unknown",
};

const char *checks_action_word(enum checks_action action)
{
    return action_words[action];
}

const char *checks_class_word(enum checks_class class)
{
    return class == CHECKS_BODY ? "body" : "header";
}
