/* SPDX-License-Identifier: Apache-2.0 */
#include "table/address_lookup.h"

#include "unit.h"

struct bench {
    struct arena *arena;
    struct table_set *set;
    struct address_answer answer;
};

static void bench_init(struct bench *bench)
{
    struct table_set_options options = { 0 };

    memset(bench, 0, sizeof(*bench));
    bench->arena = arena_create();
    bench->set = table_set_create(&options);
}

static void bench_done(struct bench *bench)
{
    table_set_destroy(&bench->set);
    arena_destroy(&bench->arena);
}

static enum table_result is_example(void *context, struct str domain, struct failure *why)
{
    (void) context;
    (void) why;
    return str_equal_nocase(domain, STR("example.com")) ? TABLE_FOUND : TABLE_ABSENT;
}

/* The key that answers, "-" for none, "?" for unknown. */
static struct str key_for(struct bench *bench, unsigned steps, const char *tables, const char *address)
{
    struct address_rules rules = {
        .steps = steps,
        .recipient_delimiter = STR("+"),
        .parents_match_subdomains = true,
        .is_local_domain = is_example,
    };
    struct table_list *list = table_list_open(bench->set, STR("maps"), str_from_c(tables), TABLE_FOLD);
    struct failure why;

    switch (address_lookup(list, &rules, str_from_c(address), bench->arena, &bench->answer, &why)) {
    case TABLE_FOUND:
        return bench->answer.key;
    case TABLE_ABSENT:
        return STR("-");
    case TABLE_UNKNOWN:
        return STR("?");
    }
    return STR_EMPTY;
}

TEST(addresses_are_asked_from_the_whole_to_the_part)
{
    struct bench bench;
    unsigned steps = ADDRESS_STEPS_DEFAULT;

    bench_init(&bench);
    EXPECT_STR(key_for(&bench, steps, "inline:{u+e@example.com=1,u@example.com=2}", "u+e@example.com"),
               STR("u+e@example.com"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u@example.com=2,u=3}", "u+e@example.com"), STR("u@example.com"));
    EXPECT_STR(bench.answer.extension, STR("+e"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u+e=2,u=3,@example.com=4}", "u+e@example.com"), STR("u+e"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u=3,@example.com=4}", "u+e@example.com"), STR("u"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u=3,@other.example=4}", "u+e@other.example"), STR("@other.example"));
    EXPECT_STR(bench.answer.extension, STR_EMPTY);
    EXPECT_STR(key_for(&bench, steps, "inline:{example.com=5}", "u@example.com"), STR("-"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u=3}, fail:x", "u@example.com"), STR("?"));
    bench_done(&bench);
}

TEST(access_tables_are_asked_for_domains_and_local_parts)
{
    struct bench bench;
    unsigned steps = ADDRESS_STEPS_ACCESS;

    bench_init(&bench);
    EXPECT_STR(key_for(&bench, steps, "inline:{u@=1,example.com=2}", "u+e@mx.example.com"), STR("example.com"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u@=1,com=2}", "u+e@example.com"), STR("com"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u@=1}", "u+e@example.com"), STR("u@"));
    EXPECT_STR(key_for(&bench, steps, "inline:{u+e@=1,u@=2}", "u+e@example.com"), STR("u+e@"));
    EXPECT_STR(key_for(&bench, steps, "inline:{@example.com=1}", "u@example.com"), STR("-"));
    bench_done(&bench);
}

TEST(patterns_see_the_whole_key_only)
{
    struct bench bench;

    bench_init(&bench);
    EXPECT_STR(key_for(&bench, ADDRESS_STEPS_ACCESS, "pcre:{{/^example/ x}}", "u@example.com"), STR("-"));
    EXPECT_STR(key_for(&bench, ADDRESS_STEPS_ACCESS, "pcre:{{/@example/ x}}", "u@example.com"), STR("u@example.com"));
    bench_done(&bench);
}

TEST(local_parts_are_asked_quoted_and_plain)
{
    struct bench bench;

    bench_init(&bench);
    EXPECT_STR(key_for(&bench, ADDRESS_STEPS_DEFAULT, "inline:{{\"a b\"@example.com=1}}", "a b@example.com"),
               STR("\"a b\"@example.com"));
    EXPECT_STR(key_for(&bench, ADDRESS_STEPS_DEFAULT, "inline:{{a b@example.com=1}}", "a b@example.com"),
               STR("a b@example.com"));
    bench_done(&bench);
}

TEST(domains_are_asked_with_their_parents)
{
    struct bench bench;
    struct failure why;
    struct table_list *list;

    bench_init(&bench);
    list = table_list_open(bench.set, STR("maps"), STR("inline:{.example.com=1,com=2}"), TABLE_FOLD);
    EXPECT_INT(domain_lookup(list, false, STR("a.b.example.com"), bench.arena, &bench.answer, &why), TABLE_FOUND);
    EXPECT_STR(bench.answer.key, STR(".example.com"));
    EXPECT_INT(domain_lookup(list, true, STR("a.b.example.com"), bench.arena, &bench.answer, &why), TABLE_FOUND);
    EXPECT_STR(bench.answer.key, STR("com"));
    EXPECT_INT(domain_lookup(list, false, STR("example.com"), bench.arena, &bench.answer, &why), TABLE_ABSENT);
    EXPECT_INT(domain_lookup(list, true, STR("[192.0.2.com]"), bench.arena, &bench.answer, &why), TABLE_ABSENT);
    bench_done(&bench);
}

TEST(network_addresses_lose_their_last_part)
{
    struct bench bench;
    struct failure why;
    struct table_list *list;

    bench_init(&bench);
    list = table_list_open(bench.set, STR("maps"), STR("inline:{192.0=1,2001:db8=2}"), TABLE_FOLD);
    EXPECT_INT(network_lookup(list, STR("192.0.2.1"), bench.arena, &bench.answer, &why), TABLE_FOUND);
    EXPECT_STR(bench.answer.key, STR("192.0"));
    EXPECT_INT(network_lookup(list, STR("2001:db8::1"), bench.arena, &bench.answer, &why), TABLE_FOUND);
    EXPECT_STR(bench.answer.key, STR("2001:db8"));
    EXPECT_INT(network_lookup(list, STR("10.0.2.1"), bench.arena, &bench.answer, &why), TABLE_ABSENT);
    bench_done(&bench);
}
