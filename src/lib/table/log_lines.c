/* SPDX-License-Identifier: Apache-2.0 */
#include "table/log_lines.h"

#include "log/log.h"

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
