/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/mapping.h"

#include "base/strbuf.h"
#include "cleanup/rewriter.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "mail/address.h"
#include "run/loop.h"
#include "table/table.h"
#include "unit.h"

#include <stdio.h>

/* In the place of trivial-rewrite: bare names get "@here.test"; "silent" is not answered for. */
bool rewriter_standardize(struct rewriter *rewriter, bool is_local, struct str *addresses, size_t count,
                          struct arena *arena, struct failure *why)
{
    (void) rewriter;
    EXPECT(is_local);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(addresses[i], STR("silent")))
            return failure_set(why, FAILURE_RETRY, 0, "the service is silent");
        if (!str_contains_char(addresses[i], '@'))
            addresses[i] = address_join(arena, addresses[i], STR("here.test"));
    }
    return true;
}

struct bench {
    struct arena *arena;
    struct loop *loop;
    struct table_set *tables;
    struct mapping *mapping;
    struct mapping_context context;
    struct strbuf log;
};

static void collect_line(enum log_level level, struct str line, void *context)
{
    struct bench *bench = context;

    (void) level;
    strbuf_append(&bench->log, line);
    strbuf_append_char(&bench->log, '\n');
}

static void open_bench(struct bench *bench, const char *main_cf)
{
    static const char base[] = "myhostname = mail.here.test\nmyorigin = here.test\nmydestination = here.test\n"
                               "inet_interfaces = 127.0.0.1\nrecipient_delimiter = +\n";
    struct table_set_options options = { 0 };
    const struct shared_settings *shared;
    struct main_cf *cf;
    struct failure why;
    void *settings;

    *bench = (struct bench){ .arena = arena_create() };
    bench->context = (struct mapping_context){ .queue_id = STR("ID"), .arena = bench->arena };
    strbuf_init(&bench->log, STRBUF_UNLIMITED);
    log_set_sink(collect_line, bench);
    bench->loop = options.loop = loop_create();
    bench->tables = table_set_create(&options);
    EXPECT(main_cf_parse(arena_printf(bench->arena, "%s%s", base, main_cf), STR("main.cf"), STR("."), bench->arena, &cf,
                         &why));
    EXPECT(shared_settings_load(cf, bench->arena, &shared, &why));
    EXPECT(settings_load(&cleanup_settings_table, cf, STR_EMPTY, bench->arena, &settings, &why));
    bench->mapping = mapping_create(bench->tables, settings, shared, cf, bench->arena, &why);
    EXPECT(bench->mapping != NULL);
}

static void close_bench(struct bench *bench)
{
    log_set_sink(NULL, NULL);
    table_set_destroy(&bench->tables);
    loop_destroy(&bench->loop);
    strbuf_done(&bench->log);
    arena_destroy(&bench->arena);
}

/* The addresses with a comma between, or the result's name. */
static struct str expand(struct bench *bench, const char *address)
{
    struct strlist list = { 0 };
    struct strbuf text;
    struct str copy;

    switch (mapping_virtual(bench->mapping, &bench->context, str_from_c(address), &list)) {
    case MAPPING_UNKNOWN:
        return STR("unknown");
    case MAPPING_UNREASONABLE:
        return STR("unreasonable");
    case MAPPING_DONE:
        break;
    }
    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < list.count; i++)
        strbuf_printf(&text, "%s%.*s", i > 0 ? "," : "", STR_ARG(list.items[i]));
    copy = arena_str(bench->arena, strbuf_str(&text));
    strbuf_done(&text);
    return copy;
}

static struct str canonical(struct bench *bench, enum mapping_class class, const char *address)
{
    struct str result = str_from_c(address);
    enum mapping_result outcome = mapping_canonical(bench->mapping, &bench->context, class, &result);

    return outcome == MAPPING_DONE ? result : STR("unknown");
}

static void expect_log(const struct bench *bench, const char *part)
{
    if (str_find(strbuf_str(&bench->log), str_from_c(part)) == STR_NOT_FOUND)
        EXPECT_STR(strbuf_str(&bench->log), str_from_c(part));
}

#define VIRTUAL                                                                                                        \
    "virtual_alias_maps = inline:{ {one@a.test = two@a.test}, {two@a.test = three@b.test},"                            \
    " {list@a.test = x, list@a.test, y@b.test x@here.test}, {ext@a.test = to@b.test},"                                 \
    " {@whole.test = @moved.test}, {loop1@a.test = loop2@a.test}, {loop2@a.test = loop1@a.test},"                      \
    " {knot1@a.test = knot2@a.test, z@b.test}, {knot2@a.test = knot1@a.test}, {quiet@a.test = silent},"                \
    " {name@a.test = \"Some One\" <n@b.test>} }\n"

TEST(aliases_are_followed_to_their_end)
{
    static const struct {
        const char *address;
        const char *result;
    } rows[] = {
        { "plain@a.test", "plain@a.test" },
        { "one@a.test", "three@b.test" },
        { "ONE@A.test", "three@b.test" },
        /* each once, itself included */
        { "list@a.test", "list@a.test,x@here.test,y@b.test" },
        { "ext+tag@a.test", "to+tag@b.test" },
        { "u+tag@whole.test", "u+tag@moved.test" },
        { "name@a.test", "n@b.test" },
        { "loop1@a.test", "unreasonable" },
        { "knot1@a.test", "z@b.test" },
        { "quiet@a.test", "unknown" },
    };
    struct bench bench;

    open_bench(&bench, VIRTUAL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_STR(expand(&bench, rows[i].address), str_from_c(rows[i].result));
    expect_log(&bench, "the service is silent");
    close_bench(&bench);
    open_bench(&bench, VIRTUAL "propagate_unmatched_extensions = canonical\n");
    EXPECT_STR(expand(&bench, "ext+tag@a.test"), STR("to@b.test"));
    close_bench(&bench);
}

TEST(an_expansion_stays_within_its_limits)
{
    static const struct {
        const char *main_cf;
        const char *address;
        const char *result;
        const char *log;
    } rows[] = {
        { "virtual_alias_expansion_limit = 4\n", "list@a.test", "list@a.test,x@here.test,y@b.test", "" },
        { "virtual_alias_expansion_limit = 2\n", "list@a.test", "unreasonable",
          "ID: unreasonable virtual_alias_maps map expansion size for list@a.test" },
        { "virtual_alias_recursion_limit = 3\n", "one@a.test", "three@b.test", "" },
        { "virtual_alias_recursion_limit = 2\n", "one@a.test", "unreasonable",
          "ID: unreasonable virtual_alias_maps map nesting for one@a.test" },
        { "virtual_alias_address_length_limit = 12\n", "one@a.test", "three@b.test", "" },
        { "virtual_alias_address_length_limit = 11\n", "one@a.test", "unreasonable",
          "ID: unreasonable virtual_alias_maps result three@b.test... -- message not accepted" },
        { "virtual_alias_maps = hash:/nonexistent/table\n", "one@a.test", "unknown", "virtual_alias_maps" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bench bench;
        char main_cf[2000];

        snprintf(main_cf, sizeof(main_cf), "%s%s", VIRTUAL, rows[i].main_cf);
        open_bench(&bench, main_cf);
        EXPECT_STR(expand(&bench, rows[i].address), str_from_c(rows[i].result));
        expect_log(&bench, rows[i].log);
        close_bench(&bench);
    }
}

#define CANONICAL                                                                                                      \
    "canonical_maps = inline:{ {a@x.test = b@x.test}, {b@x.test = c@x.test}, {s@y.test = all@y.test},"                 \
    " {@w.test = @v.test}, {bare = named@x.test}, {two@x.test = e@x.test f@x.test}, {p@x.test = q@x.test},"            \
    " {q@x.test = p@x.test}, {in@x.test = u@h.inner.test} }\n"                                                         \
    "sender_canonical_maps = inline:{ only@x.test=sender@x.test, a@x.test=s@y.test }\n"                                \
    "recipient_canonical_maps = inline:{ only@x.test=recipient@x.test }\n"                                             \
    "masquerade_domains = inner.test\nmasquerade_exceptions = root\n"

TEST(canonical_maps_come_one_after_the_other_and_masquerading_last)
{
    static const struct {
        enum mapping_class class;
        const char *address;
        const char *result;
    } rows[] = {
        { MAPPING_ENVELOPE_RECIPIENT, "a@x.test", "c@x.test" },
        { MAPPING_ENVELOPE_SENDER, "a@x.test", "all@y.test" },
        { MAPPING_ENVELOPE_SENDER, "only@x.test", "sender@x.test" },
        { MAPPING_HEADER_RECIPIENT, "only@x.test", "recipient@x.test" },
        { MAPPING_HEADER_SENDER, "u+e@w.test", "u+e@v.test" },
        { MAPPING_HEADER_SENDER, "a+e@w.test", "a+e@v.test" },
        { MAPPING_ENVELOPE_RECIPIENT, "b+e@x.test", "c+e@x.test" },
        { MAPPING_ENVELOPE_RECIPIENT, "bare@here.test", "named@x.test" },
        { MAPPING_ENVELOPE_RECIPIENT, "bare@x.test", "bare@x.test" },
        { MAPPING_ENVELOPE_RECIPIENT, "two@x.test", "e@x.test" },
        { MAPPING_ENVELOPE_SENDER, "", "" },
        { MAPPING_ENVELOPE_SENDER, "in@x.test", "u@inner.test" },
        { MAPPING_ENVELOPE_RECIPIENT, "in@x.test", "u@h.inner.test" },
        { MAPPING_HEADER_RECIPIENT, "root@h.inner.test", "root@h.inner.test" },
    };
    struct bench bench;

    open_bench(&bench, CANONICAL);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_STR(canonical(&bench, rows[i].class, rows[i].address), str_from_c(rows[i].result));
    expect_log(&bench, "two@x.test");
    canonical(&bench, MAPPING_ENVELOPE_RECIPIENT, "p@x.test");
    expect_log(&bench, "unreasonable canonical_maps map nesting");
    close_bench(&bench);
}

TEST(classes_say_which_addresses_are_mapped)
{
    struct bench bench;

    open_bench(&bench, CANONICAL "canonical_classes = header_sender\nmasquerade_classes = envelope_recipient\n"
                                 "recipient_canonical_classes = envelope_recipient\n");
    EXPECT_STR(canonical(&bench, MAPPING_HEADER_SENDER, "b@x.test"), STR("c@x.test"));
    EXPECT_STR(canonical(&bench, MAPPING_ENVELOPE_SENDER, "b@x.test"), STR("b@x.test"));
    EXPECT_STR(canonical(&bench, MAPPING_ENVELOPE_RECIPIENT, "u@h.inner.test"), STR("u@inner.test"));
    EXPECT_STR(canonical(&bench, MAPPING_ENVELOPE_SENDER, "u@h.inner.test"), STR("u@h.inner.test"));
    EXPECT(mapping_has_canonical(bench.mapping, MAPPING_ENVELOPE_RECIPIENT));
    EXPECT_FALSE(mapping_has_canonical(bench.mapping, MAPPING_HEADER_RECIPIENT));
    close_bench(&bench);
    open_bench(&bench, "canonical_maps = hash:/nonexistent/table\n");
    EXPECT_STR(canonical(&bench, MAPPING_HEADER_SENDER, "b@x.test"), STR("unknown"));
    close_bench(&bench);
}

TEST(a_blind_copy_goes_to_one_address)
{
    struct bench bench;
    struct str copy;

    open_bench(&bench, "sender_bcc_maps = inline:{ {s@x.test = Copy <c@x.test>}, {bad@x.test = a, b} }\n"
                       "recipient_bcc_maps = inline:{ @x.test=all@y.test }\n");
    EXPECT_INT(mapping_bcc(bench.mapping, &bench.context, true, STR("s@x.test"), &copy), MAPPING_DONE);
    EXPECT_STR(copy, STR("c@x.test"));
    EXPECT_INT(mapping_bcc(bench.mapping, &bench.context, false, STR("s@x.test"), &copy), MAPPING_DONE);
    EXPECT_STR(copy, STR("all@y.test"));
    EXPECT_INT(mapping_bcc(bench.mapping, &bench.context, true, STR("other@x.test"), &copy), MAPPING_DONE);
    EXPECT_STR(copy, STR(""));
    EXPECT_INT(mapping_bcc(bench.mapping, &bench.context, true, STR("bad@x.test"), &copy), MAPPING_DONE);
    EXPECT_STR(copy, STR(""));
    expect_log(&bench, "ID: sender_bcc_maps: bad address for bad@x.test");
    close_bench(&bench);
}
