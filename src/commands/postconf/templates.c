/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/templates.h"

#include "config/main_cf.h"
#include "log/log.h"
#include "notice/template.h"

#include <stdio.h>

static void tell(const struct strlist *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_warning("%.*s", STR_ARG(warnings->items[i]));
    log_flush();
}

static bool find_file(const struct main_cf *cf, const struct strlist *words, struct arena *arena, struct str *path_out,
                      struct failure *why)
{
    if (words->count == 0)
        return main_cf_value(cf, STR("bounce_template_file"), arena, path_out, why);
    *path_out = words->items[0];
    return true;
}

/* The From that is built in has the form that header_from_format names. */
static bool choose_from(const struct main_cf *cf, struct arena *arena, struct template_set *set, struct failure *why)
{
    struct str format;

    if (!main_cf_value(cf, STR("header_from_format"), arena, &format, why))
        return false;
    template_set_use_from(set, str_equal(format, STR("obsolete")));
    return true;
}

int templates_show(const struct main_cf *cf, const struct strlist *words, bool is_expanded, struct arena *arena)
{
    struct strlist warnings = { 0 };
    struct template_set set;
    struct failure why;
    struct strbuf out;
    struct str path;
    bool is_good;

    if (words->count > 1)
        return log_fail(1, "options -b and -t require at most one template file");
    template_set_init(&set);
    strbuf_init(&out, STRBUF_UNLIMITED);
    is_good = choose_from(cf, arena, &set, &why) && find_file(cf, words, arena, &path, &why) &&
              (path.len == 0 || template_set_load(&set, arena_c(arena, path), arena, &warnings, &why));
    if (is_good && is_expanded)
        is_good = template_set_print_expanded(&set, cf, arena, &out, &warnings, &why);
    else if (is_good)
        template_set_print(&set, &out);
    tell(&warnings);
    if (is_good)
        is_good = fwrite(strbuf_c(&out), 1, out.len, stdout) == out.len && fflush(stdout) == 0
                      ? true
                      : failure_set(&why, FAILURE_RETRY, 0, "standard output cannot be written");
    strbuf_done(&out);
    return is_good ? 0 : log_fail(1, "%s", why.text);
}

void templates_check(const struct main_cf *cf, struct arena *arena)
{
    struct strlist warnings = { 0 };
    struct template_set set;
    struct failure why;
    struct str path;

    if (!main_cf_value(cf, STR("bounce_template_file"), arena, &path, &why) || path.len == 0)
        return;
    template_set_init(&set);
    if (!template_set_load(&set, arena_c(arena, path), arena, &warnings, &why)) {
        log_warning("bounce_template_file: %s", why.text);
    } else {
        for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
            struct str text;

            if (!template_set_expand(&set, (enum template_class) i, cf, arena, &text, &warnings, &why))
                log_warning("bounce_template_file: %s", why.text);
        }
    }
    tell(&warnings);
}
