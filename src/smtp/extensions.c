/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/extensions.h"

#include "smtp/reply.h"

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

    if (!str_next_word(&line, " \t=", &word) || strlist_contains_nocase(discard, word))
        return;
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (str_equal_nocase(word, str_from_c(keywords[i].keyword)))
            extensions->offered |= keywords[i].extension;
    }
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
