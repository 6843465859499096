/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/sql_query.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

typedef void put_text(void *context, const char *text, size_t len);

static void put_all(put_text *put, void *context, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(context, texts[i], strlen(texts[i]));
}

bool sql_query_compose(const struct merpati_driver_settings *settings, unsigned index, put_text *put, void *context,
                       struct merpati_table_text why)
{
    static const char *const needed[] = { "select_field", "table", "where_field" };
    const char *function = settings->get(settings, "select_function");
    const char *conditions = settings->get(settings, "additional_conditions");
    const char *values[3];

    (void) index;
    if (function != NULL) {
        put_all(put, context, (const char *const[]){ "SELECT ", function, "('%s')" }, 3);
        return true;
    }
    for (size_t i = 0; i < 3; i++) {
        values[i] = settings->get(settings, needed[i]);
        if (values[i] == NULL || values[i][0] == '\0') {
            snprintf(why.data, why.size, "\"query\" is missing (or, in the old form, \"%s\")", needed[i]);
            return false;
        }
    }
    put_all(put, context,
            (const char *const[]){ "SELECT ", values[0], " FROM ", values[1], " WHERE ", values[2], " = '%s' ",
                                   conditions == NULL ? "" : conditions },
            8);
    return true;
}

bool sql_query_read_timeout(const struct merpati_driver_settings *settings, unsigned fallback, unsigned *seconds_out,
                            struct merpati_table_text why)
{
    const char *text = settings->get(settings, "timeout");
    uint64_t number = fallback;

    if (text != NULL && (!str_to_uint64(str_from_c(text), &number) || number == 0 || number > 3600)) {
        snprintf(why.data, why.size, "timeout = %s: expected seconds, from 1 to 3600", text);
        return false;
    }
    *seconds_out = (unsigned) number;
    return true;
}
