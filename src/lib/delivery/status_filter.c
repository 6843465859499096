/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/status_filter.h"

#include "log/log.h"
#include "table/table_list.h"

static bool is_success(const struct dsn_status *status)
{
    return status->class == 2;
}

/*
 * "4.2.0 text", of the same class as before or of the other failure's; blanks before and between do not count, those at
 * the end are text. Without text, that which was there stays.
 */
static bool take_answer(struct str answer, struct dsn_status *status, struct str *text)
{
    struct str rest = answer, word;
    struct dsn_status new_status;

    if (!str_next_word(&rest, " \t", &word) || !dsn_status_parse(word, &new_status) ||
        is_success(&new_status) != is_success(status))
        return false;
    *status = new_status;
    rest = str_trim_left(rest);
    if (!str_is_empty(rest))
        *text = rest;
    return true;
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
        if (!take_answer(answer, status, text))
            log_warning("%.*s: bad status code: %.*s", STR_ARG(table_list_title(filter)), STR_ARG(answer));
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
