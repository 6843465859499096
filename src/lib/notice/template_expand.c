/* SPDX-License-Identifier: Apache-2.0 */
/* template_expand - the $ names in the text of a notification. */

#include "config/expand.h"
#include "config/main_cf.h"
#include "mail/domain.h"
#include "notice/template.h"

/* A number of so many digits is not what people want to read. */
enum { TEXT_MAXIMUM = 1 << 20, EXCESSIVE = 1000 };

struct expanding {
    const struct template_set *set;
    const char *class;
    const struct main_cf *cf;
    struct arena *arena;
    struct strlist *warnings;
    struct str bad_suffix; /* and the name that has it */
    struct str bad_name;
};

/* ---- times ---- */

static bool seconds_of_unit(struct str suffix, int64_t *seconds_out)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "seconds", 1 }, { "minutes", 60 }, { "hours", 3600 }, { "days", 86400 }, { "weeks", 604800 } };

    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_equal(suffix, str_from_c(units[i].name))) {
            *seconds_out = units[i].seconds;
            return true;
        }
    }
    return false;
}

static void warn_of_unit(const struct expanding *expanding, struct str name, struct str suffix, const char *found,
                         const char *advice)
{
    struct arena *arena = expanding->arena;

    strlist_add_view(expanding->warnings, arena,
                     arena_printf(arena, "%.*s: %s in %s template conversion of parameter \"%.*s\"",
                                  STR_ARG(expanding->set->file), found, expanding->class, STR_ARG(name)));
    strlist_add_view(expanding->warnings, arena,
                     arena_printf(arena, "please %s time unit \"%.*s\" of \"%.*s\" in %s template", advice,
                                  STR_ARG(suffix), STR_ARG(name), expanding->class));
    strlist_add_view(expanding->warnings, arena, STR("for instructions see the bounce(5) manual"));
}

/* "delay_warning_time_hours" and the like; unit is what a bare number of the parameter means. */
static bool time_in_unit(struct expanding *expanding, struct str name, struct str parameter, char unit,
                         struct str *value_out)
{
    struct str suffix = str_from(name, parameter.len + 1);
    struct str text;
    int64_t factor;
    int64_t value;

    if (!seconds_of_unit(suffix, &factor)) {
        expanding->bad_suffix = suffix;
        expanding->bad_name = name;
        return false;
    }
    if (!main_cf_value(expanding->cf, parameter, expanding->arena, &text, NULL) ||
        !main_cf_parse_time(text, unit, &value))
        return false;
    *value_out = arena_printf(expanding->arena, "%lld", (long long) (value / factor));
    if (value > 0 && value < factor)
        warn_of_unit(expanding, name, suffix, "zero result", "reduce");
    else if (value / factor >= EXCESSIVE)
        warn_of_unit(expanding, name, suffix,
                     arena_printf(expanding->arena, "excessive result \"%.*s\"", STR_ARG(*value_out)).data, "increase");
    return true;
}

/* ---- names ---- */

static bool wants_utf8(const struct expanding *expanding)
{
    struct str text;
    bool is_wanted;

    return main_cf_value(expanding->cf, STR("smtputf8_enable"), expanding->arena, &text, NULL) &&
           main_cf_parse_boolean(text, &is_wanted) && is_wanted;
}

static bool look_up(void *context, struct str name, struct str *value_out)
{
    static const struct {
        struct str parameter;
        char unit;
    } times[] = { { { "delay_warning_time", 18 }, 'h' }, { { "maximal_queue_lifetime", 22 }, 'd' } };
    struct expanding *expanding = context;
    struct str raw;

    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        struct str parameter = times[i].parameter;

        if (name.len > parameter.len && name.data[parameter.len] == '_' && str_starts_with(name, parameter))
            return time_in_unit(expanding, name, parameter, times[i].unit, value_out);
    }
    if (!main_cf_raw(expanding->cf, name, &raw) ||
        !main_cf_value(expanding->cf, name, expanding->arena, value_out, NULL))
        return false;
    if ((str_equal(name, STR("myhostname")) || str_equal(name, STR("mydomain"))) && wants_utf8(expanding))
        (void) !domain_to_utf8(expanding->arena, *value_out, value_out, NULL);
    return true;
}

static bool explain(const struct expanding *expanding, struct str line, struct failure *why)
{
    struct str file = expanding->set->file;
    bool is_undefined = why != NULL && str_starts_with(str_from_c(why->text), STR("undefined "));

    if (expanding->bad_name.len > 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: unrecognized suffix \"%.*s\" in parameter \"%.*s\"",
                           STR_ARG(file), STR_ARG(expanding->bad_suffix), STR_ARG(expanding->bad_name));
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: %s in %s template: %.*s", STR_ARG(file),
                       is_undefined ? "undefined $name" : "bad $name syntax", expanding->class,
                       STR_ARG(str_part(line, 0, 200)));
}

bool template_set_expand(const struct template_set *set, enum template_class class, const struct main_cf *cf,
                         struct arena *arena, struct str *text_out, struct strlist *warnings, struct failure *why)
{
    struct expanding expanding = {
        .set = set, .class = template_class_name(class), .cf = cf, .arena = arena, .warnings = warnings
    };
    const struct expand_source source = {
        .lookup = look_up, .context = &expanding, .must_be_known = true, .maximum = TEXT_MAXIMUM
    };
    struct str rest = set->items[class].text;
    struct strbuf out;
    struct str line;
    struct failure reason;
    bool is_good = true;

    strbuf_init(&out, TEXT_MAXIMUM);
    while (is_good && rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        is_good = expand_text(&source, line, &out, &reason) && strbuf_append_char(&out, '\n');
    }
    if (is_good)
        *text_out = arena_str(arena, strbuf_str(&out));
    else {
        explain(&expanding, line, &reason);
        if (why != NULL)
            *why = reason;
    }
    strbuf_done(&out);
    return is_good;
}
