/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/status_filter.h"

#include "table/table_list.h"
#include "unit.h"

TEST(a_filter_changes_status_and_text_and_never_turns_failure_into_success)
{
    static const struct {
        const char *tables;
        const char *before;
        const char *after;
    } rows[] = {
        { "static:{5.7.1 refused here}", "4.2.0 try later", "5.7.1 refused here" },
        { "static:{ 4.0.0   with blanks }", "5.2.0 no", "4.0.0 with blanks" },
        { "static:{2.0.0 fine}", "2.0.0 sent", "2.0.0 fine" },
        { "static:{2.0.0 fine}", "4.2.0 try later", "4.2.0 try later" },
        { "static:{4.0.0 not fine}", "2.0.0 sent", "2.0.0 sent" },
        { "static:{4.0.0}", "5.2.0 no", "4.0.0 no" },
        { "static:{4.0}", "4.2.0 try later", "4.2.0 try later" },
        { "static:{words alone}", "4.2.0 try later", "4.2.0 try later" },
        { "inline:{{5.1.1 nobody=4.1.1 somebody}}", "5.1.1 nobody", "4.1.1 somebody" },
        { "inline:{{5.1.1 nobody=4.1.1 somebody}}", "5.1.1 Nobody at all", "5.1.1 Nobody at all" },
        { "inline:{{x=4.1.1 x}}, static:{4.9.9 second}", "5.1.1 nobody", "4.9.9 second" },
        { "nosuchtype:x", "5.1.1 nobody", "4.1.1 nobody" },
        { "nosuchtype:x", "2.0.0 sent", "2.0.0 sent" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_create();
        struct table_set_options options = { .loop = NULL };
        struct table_set *tables = table_set_create(&options);
        struct table_list *filter = table_list_open(tables, STR("filter"), str_from_c(rows[i].tables), 0);
        struct dsn_status status;
        struct str code, text;
        char format[DSN_STATUS_SIZE];

        EXPECT(str_cut(str_from_c(rows[i].before), ' ', &code, &text));
        EXPECT(dsn_status_parse(code, &status));
        status_filter_apply(filter, arena, &status, &text);
        EXPECT_STR(arena_printf(arena, "%.*s %.*s", STR_ARG(dsn_status_format(status, format)), STR_ARG(text)),
                   str_from_c(rows[i].after));
        table_set_destroy(&tables);
        arena_destroy(&arena);
    }
}
