/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_attributes.h"

#include "unit.h"

struct parsed {
    struct arena *arena;
    struct command_attributes attributes;
    struct failure why;
    bool is_good;
};

static struct parsed parse(const char *text, bool is_spawn)
{
    struct parsed parsed = { .arena = arena_create() };
    struct strlist words = strlist_split(parsed.arena, str_from_c(text), " ");

    parsed.is_good = command_attributes_parse(&words, is_spawn, parsed.arena, &parsed.attributes, &parsed.why);
    return parsed;
}

static void expect_refused(const char *text, bool is_spawn, const char *reason)
{
    struct parsed parsed = parse(text, is_spawn);

    EXPECT_FALSE(parsed.is_good);
    EXPECT_INT(parsed.why.kind, FAILURE_CONFIGURATION);
    EXPECT_TEXT(parsed.why.text, reason);
    arena_destroy(&parsed.arena);
}

TEST(a_line_as_sites_have_it_is_understood)
{
    struct parsed parsed =
        parse("flags=DRhu user=vmail:mail size=1000 argv=/usr/bin/maildrop -d ${recipient} x=y", false);
    const struct command_attributes *it = &parsed.attributes;

    EXPECT(parsed.is_good);
    EXPECT_UINT(it->flags, COMMAND_DELIVERED_TO | COMMAND_RETURN_PATH | COMMAND_FOLD_DOMAIN | COMMAND_FOLD_LOCAL_PART);
    EXPECT_STR(it->user, STR("vmail"));
    EXPECT_STR(it->group, STR("mail"));
    EXPECT_INT(it->size_limit, 1000);
    EXPECT_UINT(it->argv.count, 4);
    EXPECT_STR(it->argv.items[0], STR("/usr/bin/maildrop"));
    EXPECT_STR(it->argv.items[3], STR("x=y"));
    EXPECT_STR(it->eol, STR("\n"));
    EXPECT_STR(it->null_sender, STR("MAILER-DAEMON"));
    EXPECT_STR(it->root, STR_EMPTY);
    arena_destroy(&parsed.arena);
}

TEST(each_flag_has_a_meaning_of_its_own)
{
    static const char letters[] = "BDFORXhqu.>";
    unsigned all = 0;

    for (size_t i = 0; letters[i] != '\0'; i++) {
        char text[] = "flags=? user=u argv=x";
        struct parsed parsed;

        text[6] = letters[i];
        parsed = parse(text, false);
        EXPECT(parsed.is_good);
        EXPECT_UINT(parsed.attributes.flags & all, 0);
        all |= parsed.attributes.flags;
        arena_destroy(&parsed.arena);
    }
    EXPECT_UINT(all, (1 << 11) - 1);
}

TEST(the_end_of_lines_knows_the_escapes_of_c)
{
    struct parsed parsed = parse("eol=\\r\\n\\t\\a\\b\\f\\v\\\\\\101\\7x\\q\\ user=u argv=x", false);

    EXPECT(parsed.is_good);
    EXPECT_STR(parsed.attributes.eol, STR("\r\n\t\a\b\f\v\\A\7xq\\"));
    arena_destroy(&parsed.arena);
    parsed = parse("eol= null_sender= directory=/a chroot=/b user=u argv=x", false);
    EXPECT(parsed.is_good);
    EXPECT_STR(parsed.attributes.eol, STR_EMPTY);
    EXPECT_STR(parsed.attributes.null_sender, STR_EMPTY);
    EXPECT_STR(parsed.attributes.directory, STR("/a"));
    EXPECT_STR(parsed.attributes.root, STR("/b"));
    arena_destroy(&parsed.arena);
}

TEST(what_cannot_be_meant_is_refused)
{
    expect_refused("", false, "missing user= command-line attribute");
    expect_refused("user=u", false, "missing argv= command-line attribute");
    expect_refused("user=u argv=", false, "missing argv= command-line attribute");
    expect_refused("argv=x user=u", false, "missing user= command-line attribute");
    expect_refused("user= argv=x", false, "missing user= command-line attribute");
    expect_refused("user=:g argv=x", false, "missing user= command-line attribute");
    expect_refused("flags=DZ user=u argv=x", false, "unknown flag: Z");
    expect_refused("maildrop user=u argv=x", false, "unknown attribute name: maildrop");
    expect_refused("users=u argv=x", false, "unknown attribute name: users=u");
    expect_refused("size=-1 user=u argv=x", false, "bad size= value: -1");
    expect_refused("size=1k user=u argv=x", false, "bad size= value: 1k");
    expect_refused("flags=q user=u argv=x", true, "unknown attribute name: flags=q");
}

TEST(the_command_may_stand_in_the_word_after)
{
    struct parsed parsed = parse("user=u argv= /bin/x y", true);

    EXPECT(parsed.is_good);
    EXPECT_UINT(parsed.attributes.argv.count, 2);
    EXPECT_STR(parsed.attributes.argv.items[0], STR("/bin/x"));
    arena_destroy(&parsed.arena);
}
