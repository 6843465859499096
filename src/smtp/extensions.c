/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/extensions.h"

#include "mail/smtp_reply.h"
#include "smtp/xforward.h"

/* All that can be discarded, in the order of Postfix's log line. extension: 0 where we do not ask for it. */
static const struct {
    const char *keyword;
    unsigned extension;
} keywords[] = {
    { "8BITMIME", SMTP_EXTENSION_8BITMIME },
    { "AUTH", 0 },
    { "ETRN", 0 },
    { "PIPELINING", SMTP_EXTENSION_PIPELINING },
    { "SIZE", SMTP_EXTENSION_SIZE },
    { "VRFY", 0 },
    { "XCLIENT", 0 },
    { "XFORWARD", 0 },
    { "STARTTLS", SMTP_EXTENSION_STARTTLS },
    { "ENHANCEDSTATUSCODES", 0 },
    { "DSN", SMTP_EXTENSION_DSN },
    { "SMTPUTF8", SMTP_EXTENSION_SMTPUTF8 },
    { "CHUNKING", 0 },
};

/* RFC 4954 section 3, and "AUTH=LOGIN" of old servers. */
static void take_mechanisms(struct smtp_extensions *extensions, struct str rest, struct arena *arena)
{
    struct str name;

    extensions->has_auth = true;
    while (str_next_word(&rest, " \t=", &name)) {
        if (!strlist_contains_nocase(&extensions->mechanisms, name))
            strlist_add(&extensions->mechanisms, arena, name);
    }
}

static void take_line(struct smtp_extensions *extensions, struct str line, const struct strlist *discard,
                      struct arena *arena)
{
    struct str word, argument;

    if (!str_next_word(&line, " \t=", &word) || strlist_contains_nocase(discard, word))
        return;
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (str_equal_nocase(word, str_from_c(keywords[i].keyword)))
            extensions->offered |= keywords[i].extension;
    }
    if (str_equal_nocase(word, STR("AUTH")))
        take_mechanisms(extensions, line, arena);
    if (str_equal_nocase(word, STR("XFORWARD")))
        extensions->xforward = xforward_parse(line);
    if (str_equal_nocase(word, STR("SIZE")) && str_next_word(&line, " \t", &argument) &&
        !str_to_uint64(argument, &extensions->size_limit)) {
        extensions->size_limit = 0;
        extensions->bad_size = argument;
    }
}

void smtp_extensions_parse(struct smtp_extensions *extensions, const struct smtp_reply *reply,
                           const struct strlist *discard, struct arena *arena)
{
    size_t place = 0;
    struct str line;

    *extensions = (struct smtp_extensions){ .name = STR_EMPTY };
    if (smtp_reply_next_line(reply, &place, &line) && !str_next_word(&line, " \t", &extensions->name))
        extensions->name = STR_EMPTY;
    while (smtp_reply_next_line(reply, &place, &line))
        take_line(extensions, line, discard, arena);
}

struct str smtp_extensions_discarded(const struct strlist *discard, struct arena *arena)
{
    struct strbuf out;
    struct str text;

    if (strlist_contains_nocase(discard, STR("silent-discard")))
        return STR_EMPTY;
    strbuf_init(&out, 200);
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (strlist_contains_nocase(discard, str_from_c(keywords[i].keyword)))
            strbuf_printf(&out, "%s%s", out.len > 0 ? " " : "", keywords[i].keyword);
    }
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}
