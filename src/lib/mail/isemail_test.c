/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of the isemail collection, which lies beside the source tree; without it there is nothing to test. */

#include "base/cursor.h"
#include "mail/domain.h"
#include "mail/quote.h"
#include "mail/smtp_path.h"

#include "unit.h"

#include <stdio.h>

/* ../shared/vectors beside the tree that this file was compiled in. */
static bool load(struct strbuf *text)
{
    static const char here[] = __FILE__;
    static const char self[] = "src/lib/mail/isemail_test.c";
    char path[1000];
    char piece[4096];
    size_t count;
    FILE *file;

    snprintf(path, sizeof path, "%.*s../shared/vectors/isemail/tests.xml", (int) (sizeof here - sizeof self), here);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    while ((count = fread(piece, 1, sizeof piece, file)) > 0)
        strbuf_append_bytes(text, piece, count);
    fclose(file);
    return true;
}

static struct str element(struct str test, const char *open, const char *close)
{
    size_t start = str_find(test, str_from_c(open));
    struct str inside;

    if (start == STR_NOT_FOUND)
        return STR_EMPTY;
    inside = str_from(test, start + strlen(open));
    return str_part(inside, 0, str_find(inside, str_from_c(close)));
}

/* &amp; &lt; &gt; &quot;, and &#x24NN;, which stands for the control byte NN. */
static void decode(struct str text, struct strbuf *out)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' } };
    struct cursor cursor = cursor_over(text);

    strbuf_clear(out);
    while (!cursor_at_end(&cursor)) {
        struct str name;
        uint64_t code;

        strbuf_append(out, cursor_take_until(&cursor, "&"));
        if (!cursor_skip_char(&cursor, '&'))
            return;
        name = cursor_take_until(&cursor, ";");
        cursor_skip_char(&cursor, ';');
        if (str_starts_with(name, STR("#x")) && str_to_uint64_base(str_from(name, 2), 16, &code))
            strbuf_append_char(out, (char) (code & 0xff));
        for (size_t i = 0; i < ARRAY_COUNT(entities); i++)
            if (str_equal(name, str_from_c(entities[i].entity)))
                strbuf_append_char(out, entities[i].c);
    }
}

static bool is_taken(struct arena *arena, struct str address, unsigned flags, struct smtp_path *path)
{
    struct str rest = arena_printf(arena, "<%.*s>", STR_ARG(address));
    struct failure why;

    return smtp_path_take(&rest, flags, arena, path, &why) && rest.len == 0;
}

static void expect_quoting(struct str address)
{
    struct strbuf external, internal;

    strbuf_init(&external, STRBUF_UNLIMITED);
    strbuf_init(&internal, STRBUF_UNLIMITED);
    EXPECT(quote_address(&external, address));
    EXPECT(quote_undo(&internal, strbuf_str(&external)));
    EXPECT_STR(strbuf_str(&internal), address);
    strbuf_done(&external);
    strbuf_done(&internal);
}

/*
 * What SMTP itself allows must be taken; a lookup of the domain is no business of the syntax. A domain that looks like
 * a bare IPv4 address is refused, as Postfix does.
 */
static bool must_be_taken(struct str category, struct str address)
{
    if (str_ends_with(address, STR("@255.255.255.255")))
        return false;
    return str_equal(category, STR("ISEMAIL_VALID_CATEGORY")) || str_equal(category, STR("ISEMAIL_DNSWARN")) ||
           str_equal(category, STR("ISEMAIL_RFC5321"));
}

/* Mistakes that Postfix forgives, or that only a mailbox's owner could tell. */
static bool may_be_taken(struct str diagnosis)
{
    static const char *const forgiven[] = {
        "ISEMAIL_ERR_NODOMAIN",        "ISEMAIL_ERR_NOLOCALPART", "ISEMAIL_ERR_DOT_START",
        "ISEMAIL_ERR_CONSECUTIVEDOTS", "ISEMAIL_ERR_DOT_END",     "ISEMAIL_ERR_EXPECTING_ATEXT",
        "ISEMAIL_ERR_UNCLOSEDDOMLIT",
    };

    for (size_t i = 0; i < ARRAY_COUNT(forgiven); i++)
        if (str_equal(diagnosis, str_from_c(forgiven[i])))
            return true;
    return false;
}

TEST(the_collection_of_addresses_is_judged_as_smtp_does)
{
    struct arena *arena = arena_create();
    struct strbuf text, address;
    struct str rest;
    size_t start, count = 0;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_init(&address, STRBUF_UNLIMITED);
    if (!load(&text))
        skip();
    for (rest = strbuf_str(&text); (start = str_find(rest, STR("<test id"))) != STR_NOT_FOUND; count++) {
        struct str test = str_from(rest, start);
        struct str category, diagnosis;
        struct smtp_path path;
        bool was_taken;

        test = str_part(test, 0, str_find(test, STR("</test>")));
        rest = str_from(rest, start + test.len);
        category = element(test, "<category>", "</category>");
        diagnosis = element(test, "<diagnosis>", "</diagnosis>");
        decode(element(test, "<address>", "</address>"), &address);
        was_taken = is_taken(arena, strbuf_str(&address), 0, &path);
        if (was_taken)
            expect_quoting(path.address);
        if (must_be_taken(category, strbuf_str(&address)) && !was_taken)
            EXPECT_STR(strbuf_str(&address), STR("was to be taken"));
        /* No command holds a line end, and 8-bit mail is taken as it comes. */
        if (str_find_any(strbuf_str(&address), "\r\n") != STR_NOT_FOUND || !domain_is_ascii(strbuf_str(&address)))
            continue;
        was_taken = is_taken(arena, strbuf_str(&address), SMTP_PATH_STRICT, &path);
        if (str_equal(category, STR("ISEMAIL_ERR")) && was_taken && !may_be_taken(diagnosis))
            EXPECT_STR(strbuf_str(&address), diagnosis);
    }
    EXPECT(count > 100);
    strbuf_done(&text);
    strbuf_done(&address);
    arena_destroy(&arena);
}
