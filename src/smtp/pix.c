/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/pix.h"

#include "base/strbuf.h"

static const struct {
    const char *name;
    enum pix_workaround bit;
} workaround_names[] = {
    { "disable_esmtp", PIX_DISABLE_ESMTP },
    { "delay_dotcrlf", PIX_DELAY_DOTCRLF },
};

bool pix_is_greeting(struct str text)
{
    size_t asterisks = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '*')
            asterisks++;
        else if (text.data[i] != '0' && text.data[i] != '2' && text.data[i] != ' ')
            return false;
    }
    return asterisks > 0;
}

unsigned pix_for_message(unsigned workarounds, struct duration age, struct duration threshold)
{
    return age.us >= threshold.us ? workarounds : workarounds & ~(unsigned) PIX_DELAY_DOTCRLF;
}

bool pix_parse(const struct strlist *words, unsigned *workarounds_out, struct failure *why)
{
    unsigned found = 0;

    for (size_t i = 0; i < words->count; i++) {
        unsigned bit = 0;

        for (size_t k = 0; k < ARRAY_COUNT(workaround_names); k++) {
            if (str_equal_nocase(words->items[i], str_from_c(workaround_names[k].name)))
                bit = workaround_names[k].bit;
        }
        if (bit == 0)
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "no such workaround: %.*s; write disable_esmtp, delay_dotcrlf, or both",
                               STR_ARG(words->items[i]));
        found |= bit;
    }
    *workarounds_out = found;
    return true;
}

struct str pix_format(unsigned workarounds, struct arena *arena)
{
    struct strbuf out;
    struct str text;

    strbuf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_COUNT(workaround_names); i++) {
        if ((workarounds & workaround_names[i].bit) != 0)
            strbuf_printf(&out, "%s%s", out.len > 0 ? " " : "", workaround_names[i].name);
    }
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}
