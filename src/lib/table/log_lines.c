/* SPDX-License-Identifier: Apache-2.0 */
#include "table/log_lines.h"

#include "log/log.h"

/* How much of an action that nobody knows is logged. */
enum { STRANGE_MAX = 100 };

void log_table_lookup(struct str name, struct str key, enum table_result result, struct str value,
                      const struct failure *inner_why)
{
    switch (result) {
    case TABLE_FOUND:
        log_info("%.*s lookup: \"%.*s\" = \"%.*s\"", STR_ARG(name), STR_ARG(key), STR_ARG(value));
        return;
    case TABLE_ABSENT:
        log_info("%.*s lookup: \"%.*s\" is not found", STR_ARG(name), STR_ARG(key));
        return;
    case TABLE_UNKNOWN:
        log_info("%.*s lookup: \"%.*s\" has no answer: %s", STR_ARG(name), STR_ARG(key), inner_why->text);
        return;
    }
}

void log_ignored_record(struct str text)
{
    log_info("ignoring DNS RR: %.*s", STR_ARG(text));
}

void log_bad_filter_action(struct str title, struct str action)
{
    log_warning("%.*s: unknown DNS filter action: \"%.*s\"", STR_ARG(title), STR_ARG(str_part(action, 0, STRANGE_MAX)));
}

void log_filter_trouble(struct str title, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s", STR_ARG(title), reason);
}
