/* SPDX-License-Identifier: Apache-2.0 */
/* A file of notification templates, its texts expanded: whatever stands in it, four whole templates come out. */

#include "base/arena.h"
#include "base/check.h"
#include "config/main_cf.h"
#include "notice/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_template(const struct notice_template *template)
{
    CHECK(template->charset.len > 0 && template->from.len > 0 && template->subject.len > 0);
    CHECK(!str_contains_char(template->from, '\n') && !str_contains_char(template->subject, '\n'));
    CHECK(template->text.len > 0 && template->text.data[template->text.len - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct strlist warnings = { 0 };
    struct template_set set;
    struct main_cf *cf;
    struct failure why;
    struct str text;

    template_set_init(&set);
    (void) !template_set_parse(&set, str_make((const char *) data, size), STR("fuzz"), arena, &warnings, &why);
    if (main_cf_parse(STR("delay_warning_time = 4h\nmyhostname = mail.example.com\n"), STR("main.cf"), STR("/etc"),
                      arena, &cf, &why)) {
        for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
            check_template(&set.items[i]);
            (void) !template_set_expand(&set, (enum template_class) i, cf, arena, &text, &warnings, &why);
        }
    }
    arena_destroy(&arena);
    return 0;
}
