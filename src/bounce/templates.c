/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/templates.h"

#include "base/check.h"
#include "bounce/settings.h"
#include "daemon/daemon.h"
#include "log/log.h"

static void tell(const struct strlist *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_warning("%.*s", STR_ARG(warnings->items[i]));
}

static void expand(struct template_set *set, enum template_class class, struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    struct strlist warnings = { 0 };
    struct template_set own;
    struct failure why;

    if (template_set_expand(set, class, daemon_main_cf(daemon), arena, &set->items[class].text, &warnings, &why)) {
        tell(&warnings);
        return;
    }
    tell(&warnings);
    log_warning("%s -- ignoring this template", why.text);
    template_set_init(&own);
    set->items[class] = own.items[class];
    if (!template_set_expand(set, class, daemon_main_cf(daemon), arena, &set->items[class].text, &warnings, &why))
        log_warning("%s", why.text);
}

const struct template_set *templates_open(struct daemon *daemon)
{
    const struct bounce_settings *settings = daemon_settings(daemon);
    struct arena *arena = daemon_arena(daemon);
    struct template_set *set = arena_new(arena, struct template_set);
    struct strlist warnings = { 0 };
    struct failure why;

    template_set_init(set);
    if (settings->bounce_template_file.len > 0) {
        const char *path = arena_c(arena, settings->bounce_template_file);

        daemon_watch_file(daemon, path);
        if (!template_set_load(set, path, arena, &warnings, &why)) {
            log_warning("%s -- ignoring this file", why.text);
            template_set_init(set);
        }
        tell(&warnings);
    }
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++)
        expand(set, (enum template_class) i, daemon);
    return set;
}
