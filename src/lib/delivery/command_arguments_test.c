/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_arguments.h"

#include "delivery/command_attributes.h"
#include "protocol/deliver.h"
#include "unit.h"

static struct deliver_recipient recipients[] = {
    { .index = 1, .address = { "Us.Er+Ext@Example.COM", 21 }, .original = { "Alias@Other.TEST", 16 } },
    { .index = 2, .address = { "two words@b.test", 16 } },
    { .index = 3, .address = { "bare", 4 } },
};

static void expect(const char *words_text, unsigned flags, size_t count, const char *expected)
{
    struct arena *arena = arena_create();
    struct strlist words = strlist_split(arena, str_from_c(words_text), " ");
    struct deliver_request request = {
        .queue_id = STR("ABC"), .nexthop = STR("Hop.TEST"), .sender = STR("Sen Der@X"), .size = 40, .lines = 2
    };
    const struct command_argument_source source = { .request = &request,
                                                    .recipients = recipients,
                                                    .recipient_count = count,
                                                    .flags = flags,
                                                    .null_sender = STR("nobody"),
                                                    .delimiters = STR("+") };
    struct strbuf joined;
    const char *const *argv;

    strlist_add(&request.attributes, arena, STR("client_address=192.0.2.1"));
    strbuf_init(&joined, STRBUF_UNLIMITED);
    EXPECT(command_arguments_check(&words, NULL));
    EXPECT(command_arguments_expand(&words, &source, arena, &argv, NULL));
    for (; *argv != NULL; argv++)
        strbuf_printf(&joined, "[%s]", *argv);
    EXPECT_STR(strbuf_str(&joined), str_from_c(expected));
    strbuf_done(&joined);
    arena_destroy(&arena);
}

static void expect_refused(const char *word, const char *reason)
{
    struct str item = str_from_c(word);
    struct strlist words = { .items = &item, .count = 1 };
    struct failure why = { 0 };

    EXPECT_FALSE(command_arguments_check(&words, &why));
    EXPECT_TEXT(why.text, reason);
}

TEST(names_are_replaced_in_all_their_forms)
{
    expect("/bin/x -f$sender $(nexthop) ${size}b $queue_id-1 $$size a$$ ${client_address} ${client_helo}", 0, 1,
           "[/bin/x][-fSen Der@X][Hop.TEST][42b][ABC-1][$size][a$][192.0.2.1][]");
    expect("${user} ${extension} ${mailbox} ${domain}", 0, 1, "[Us.Er][Ext][Us.Er+Ext][Example.COM]");
    expect("${recipient} ${original_recipient}", 0, 1, "[Us.Er+Ext@Example.COM][Alias@Other.TEST]");
}

TEST(a_word_about_recipients_stands_once_for_each)
{
    expect("-d $nexthop ${user}@$nexthop end", 0, 3,
           "[-d][Hop.TEST][Us.Er@Hop.TEST][two words@Hop.TEST][bare@Hop.TEST][end]");
    expect("($recipient)", 0, 2, "[(Us.Er+Ext@Example.COM)][(two words@b.test)]");
    expect("$original_recipient", 0, 2, "[Alias@Other.TEST][two words@b.test]");
}

TEST(flags_fold_and_quote)
{
    expect("$recipient $user $domain $nexthop", COMMAND_FOLD_DOMAIN, 1,
           "[Us.Er+Ext@example.com][Us.Er][example.com][hop.test]");
    expect("$recipient $user $extension $mailbox $domain", COMMAND_FOLD_LOCAL_PART, 1,
           "[us.er+ext@Example.COM][us.er][ext][us.er+ext][Example.COM]");
    expect("$recipient $sender $mailbox", COMMAND_QUOTE, 2,
           "[Us.Er+Ext@Example.COM][\"two words\"@b.test][\"Sen Der\"@X][Us.Er+Ext][two words]");
}

TEST(what_there_is_not_is_refused)
{
    expect_refused("x${nothing}", "unknown macro name: \"nothing\"");
    expect_refused("${recipient", "truncated macro reference: \"${recipient\"");
    expect_refused("$(user}", "truncated macro reference: \"$(user}\"");
    expect_refused("a$ b", "unknown macro name: \"\"");
}
