/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/extensions.h"

#include "smtp/reply.h"
#include "smtp/xforward.h"

static const struct {
    const char *keyword;
    enum smtp_extension extension;
} keywords[] = {
    { "PIPELINING", SMTP_EXTENSION_PIPELINING },
    { "SIZE", SMTP_EXTENSION_SIZE },
    { "8BITMIME", SMTP_EXTENSION_8BITMIME },
    { "SMTPUTF8", SMTP_EXTENSION_SMTPUTF8 },
    { "DSN", SMTP_EXTENSION_DSN },
};

static void take_line(struct smtp_extensions *extensions, struct str line, const struct strlist *discard)
{
    struct str word, argument;
    bool is_discarded;

    if (!str_next_word(&line, " \t=", &word))
        return;
    is_discarded = strlist_contains_nocase(discard, word);
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (str_equal_nocase(word, str_from_c(keywords[i].keyword)))
            *(is_discarded ? &extensions->discarded : &extensions->offered) |= keywords[i].extension;
    }
    if (is_discarded)
        return;
    if (str_equal_nocase(word, STR("XFORWARD")))
        extensions->xforward = xforward_parse(line);
    if (str_equal_nocase(word, STR("SIZE")) && str_next_word(&line, " \t", &argument) &&
        !str_to_uint64(argument, &extensions->size_limit))
        extensions->size_limit = 0;
}

void smtp_extensions_parse(struct smtp_extensions *extensions, const struct smtp_reply *reply,
                           const struct strlist *discard)
{
    size_t place = 0;
    struct str line;

    *extensions = (struct smtp_extensions){ .name = STR_EMPTY };
    if (smtp_reply_next_line(reply, &place, &line) && !str_next_word(&line, " \t", &extensions->name))
        extensions->name = STR_EMPTY;
    while (smtp_reply_next_line(reply, &place, &line))
        take_line(extensions, line, discard);
}

struct str smtp_extensions_format(unsigned extensions, struct arena *arena)
{
    struct strbuf out;
    struct str text;

    strbuf_init(&out, 200);
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if ((extensions & keywords[i].extension) != 0)
            strbuf_printf(&out, "%s%s", out.len > 0 ? " " : "", keywords[i].keyword);
    }
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}
