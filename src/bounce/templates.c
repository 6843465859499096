/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/templates.h"

#include "base/check.h"
#include "bounce/settings.h"
#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"

static void tell(const struct strlist *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_warning("%.*s", STR_ARG(warnings->items[i]));
}

static void begin(struct template_set *set, const struct daemon *daemon)
{
    template_set_init(set);
    template_set_use_from(set, daemon_shared(daemon)->header_from_format == HEADER_FROM_OBSOLETE);
}

static void expand(struct templates *templates, enum template_class class, struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    struct template_set *set = &templates->set;
    struct strlist warnings = { 0 };
    struct template_set own;
    struct failure why;

    if (template_set_expand(set, class, daemon_main_cf(daemon), arena, &set->items[class].text,
                            &templates->oddities[class], &why))
        return;
    tell(&templates->oddities[class]);
    templates->oddities[class] = warnings;
    log_warning("%s -- ignoring this template", why.text);
    begin(&own, daemon);
    set->items[class] = own.items[class];
    if (!template_set_expand(set, class, daemon_main_cf(daemon), arena, &set->items[class].text,
                             &templates->oddities[class], &why))
        log_warning("%s", why.text);
}

const struct templates *templates_open(struct daemon *daemon)
{
    const struct bounce_settings *settings = daemon_settings(daemon);
    struct arena *arena = daemon_arena(daemon);
    struct templates *templates = arena_new(arena, struct templates);
    struct strlist warnings = { 0 };
    struct failure why;

    begin(&templates->set, daemon);
    if (settings->bounce_template_file.len > 0) {
        const char *path = arena_c(arena, settings->bounce_template_file);

        daemon_watch_file(daemon, path);
        if (!template_set_load(&templates->set, path, arena, &warnings, &why)) {
            log_warning("%s -- ignoring this file", why.text);
            begin(&templates->set, daemon);
        }
        tell(&warnings);
    }
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++)
        expand(templates, (enum template_class) i, daemon);
    return templates;
}

void templates_tell_oddities(const struct templates *templates, enum template_class class)
{
    tell(&templates->oddities[class]);
}
