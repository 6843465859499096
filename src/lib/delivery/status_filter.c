/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/status_filter.h"

#include "log/log.h"
#include "table/table_list.h"

static bool is_success(const struct dsn_status *status)
{
    return status->class == 2;
}

/* "4.2.0 text"; blanks between do not count, nor before; those at the end are text. */
static bool parse_answer(struct str answer, struct dsn_status *status_out, struct str *text_out)
{
    struct str rest = answer, word;

    if (!str_next_word(&rest, " \t", &word) || !dsn_status_parse(word, status_out))
        return false;
    *text_out = str_trim_left(rest);
    return !str_is_empty(*text_out);
}

static void take_answer(struct str title, struct str answer, struct dsn_status *status, struct str *text)
{
    struct dsn_status new_status;
    struct str new_text;

    if (!parse_answer(answer, &new_status, &new_text)) {
        log_warning("%.*s: bad result: \"%.*s\": write a status code and a text", STR_ARG(title), STR_ARG(answer));
    } else if (is_success(&new_status) != is_success(status)) {
        log_warning("%.*s: bad result: \"%.*s\": it makes a failure of a success, or the reverse", STR_ARG(title),
                    STR_ARG(answer));
    } else {
        *status = new_status;
        *text = new_text;
    }
}

void status_filter_apply(struct table_list *filter, struct arena *arena, struct dsn_status *status, struct str *text)
{
    char code[DSN_STATUS_SIZE];
    struct str format = dsn_status_format(*status, code);
    struct str query = arena_printf(arena, "%.*s %.*s", STR_ARG(format), STR_ARG(*text));
    struct str answer;
    struct failure why;

    switch (table_list_find(filter, query, TABLE_ANY_KIND, arena, &answer, &why)) {
    case TABLE_FOUND:
        take_answer(table_list_title(filter), answer, status, text);
        break;
    case TABLE_ABSENT:
        break;
    case TABLE_UNKNOWN:
        log_warning("%.*s: %s", STR_ARG(table_list_title(filter)), why.text);
        if (!is_success(status))
            status->class = 4;
        break;
    }
}
