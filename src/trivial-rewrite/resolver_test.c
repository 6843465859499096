/* SPDX-License-Identifier: Apache-2.0 */
#include "trivial-rewrite/resolver.h"

#include "config/main_cf.h"

#include "unit.h"

#include <stdio.h>

/* One resolver by the text of a main.cf, and what it answers; all expectations are what stock Postfix says. */
struct bench {
    struct arena *arena;
    struct table_set *tables;
    struct resolver *resolver;
};

static const char base[] = "myhostname = mail.example.com\nmydomain = example.com\n"
                           "mydestination = $myhostname, localhost.$mydomain, localhost, example.com\n"
                           "inet_interfaces = 127.0.0.1\nproxy_interfaces = 192.0.2.55\ninet_protocols = ipv4\n"
                           "recipient_delimiter = +\nvirtual_alias_domains = alias.test\n"
                           "virtual_mailbox_domains = mbox.test\nrelay_domains = relay.test\n";

static struct bench open_bench(const char *more)
{
    const struct table_set_options options = { 0 };
    struct bench bench = { .arena = arena_create(), .tables = table_set_create(&options) };
    const struct shared_settings *shared = NULL;
    struct main_cf *cf = NULL;
    struct failure why = { 0 };
    void *settings = NULL;
    char text[4000];

    snprintf(text, sizeof text, "%s%s", base, more);
    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), bench.arena, &cf, &why));
    EXPECT(shared_settings_load(cf, bench.arena, &shared, &why));
    EXPECT(settings_load(&trivial_rewrite_settings_table, cf, STR_EMPTY, bench.arena, &settings, &why));
    EXPECT(resolver_create(settings, shared, cf, bench.tables, bench.arena, &bench.resolver, &why));
    return bench;
}

static void close_bench(struct bench *bench)
{
    table_set_destroy(&bench->tables);
    arena_destroy(&bench->arena);
}

static const char *const class_names[] = { "local", "alias", "mailbox", "relay", "default" };

static void expect_from(struct bench *bench, const char *sender, const char *address, const char *expected)
{
    struct resolved_address answer;
    char text[1000];

    resolver_resolve(bench->resolver, str_from_c(sender), str_from_c(address), bench->arena, &answer);
    if (answer.status == RESOLVE_ERROR)
        snprintf(text, sizeof text, "error");
    else if (answer.status == RESOLVE_DEFER)
        snprintf(text, sizeof text, "defer");
    else
        snprintf(text, sizeof text, "%.*s|%.*s|%.*s|%s%s", STR_ARG(answer.transport), STR_ARG(answer.nexthop),
                 STR_ARG(answer.recipient), class_names[answer.address_class], answer.is_routed ? " routed" : "");
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "for <%s> from <%s>:\n", address, sender);
    EXPECT_TEXT(text, expected);
}

static void expect(struct bench *bench, const char *address, const char *expected)
{
    expect_from(bench, "x@y.test", address, expected);
}

TEST(each_class_has_its_transport)
{
    struct bench bench = open_bench("");

    expect(&bench, "foo", "local|mail.example.com|foo@mail.example.com|local");
    expect(&bench, "foo@bar.test", "smtp|bar.test|foo@bar.test|default");
    expect(&bench, "X@EXAMPLE.COM", "local|mail.example.com|X@EXAMPLE.COM|local");
    expect(&bench, "foo@[127.0.0.1]", "local|mail.example.com|foo@[127.0.0.1]|local");
    expect(&bench, "foo@[192.0.2.55]", "local|mail.example.com|foo@[192.0.2.55]|local");
    expect(&bench, "foo@[1.2.3.4]", "smtp|[1.2.3.4]|foo@[1.2.3.4]|default");
    expect(&bench, "x@alias.test", "error|5.1.1 User unknown in virtual alias table|x@alias.test|alias");
    expect(&bench, "x@mbox.test", "virtual|mbox.test|x@mbox.test|mailbox");
    expect(&bench, "x@relay.test", "relay|relay.test|x@relay.test|relay");
    expect(&bench, "x@sub.relay.test", "relay|sub.relay.test|x@sub.relay.test|relay");
    expect(&bench, "x@sub.example.com", "smtp|sub.example.com|x@sub.example.com|default");
    expect(&bench, "x@[IPv6:::1]", "smtp|[IPv6:::1]|x@[IPv6:::1]|default");
    close_bench(&bench);
}

TEST(the_empty_address_goes_to_the_mailer_daemon)
{
    struct bench bench = open_bench("");

    expect(&bench, "", "local|mail.example.com|MAILER-DAEMON@mail.example.com|local");
    expect(&bench, "@example.com", "local|mail.example.com|MAILER-DAEMON@example.com|local");
    expect(&bench, "@bar.test", "smtp|bar.test|@bar.test|default");
    close_bench(&bench);
}

TEST(operators_are_followed_while_the_domain_is_ours)
{
    struct bench bench = open_bench("append_dot_mydomain = yes\n");

    expect(&bench, "a%b@example.com", "smtp|b.example.com|a@b.example.com|default");
    expect(&bench, "a%b.test@example.com", "smtp|b.test|a@b.test|default");
    expect(&bench, "b.test!a@example.com", "smtp|b.test|a@b.test|default");
    expect(&bench, "a@b.test@example.com", "smtp|b.test|a@b.test|default");
    expect(&bench, "a%b%example.com@example.com", "smtp|b.example.com|a@b.example.com|default");
    expect(&bench, "foo%bar", "smtp|bar.example.com|foo@bar.example.com|default");
    expect(&bench, "a!b", "smtp|a.example.com|b@a.example.com|default");
    expect(&bench, "%b@example.com", "smtp|b.example.com|@b.example.com|default");
    expect(&bench, "a%alias.test@example.com", "error|5.1.1 User unknown in virtual alias table|a@alias.test|alias");
    expect(&bench, "a@b@c.test", "smtp|c.test|a@b@c.test|default routed");
    expect(&bench, "@a:b@c.test", "smtp|c.test|@a:b@c.test|default routed");
    expect(&bench, "foo%bar@bar.test", "smtp|bar.test|foo%bar@bar.test|default routed");
    expect(&bench, "foo!bar@bar.test", "smtp|bar.test|foo!bar@bar.test|default routed");
    close_bench(&bench);
}

TEST(a_dot_at_the_end_of_a_domain_is_dropped)
{
    struct bench bench = open_bench("");

    expect(&bench, "x@bar.test.", "smtp|bar.test|x@bar.test|default");
    expect(&bench, "foo@example.com.", "local|mail.example.com|foo@example.com|local");
    expect(&bench, "x@alias.test.", "error|5.1.1 User unknown in virtual alias table|x@alias.test|alias");
    close_bench(&bench);
}

TEST(what_is_no_domain_is_an_error)
{
    static const char *const bad[] = { "foo@127.0.0.1",
                                       "foo@",
                                       "@",
                                       "x@[::1]",
                                       "x@a b",
                                       "x@-bad",
                                       "x@..",
                                       "foo@bar..test",
                                       "a%@example.com",
                                       "!a@example.com",
                                       "a@b%c.test",
                                       "<foo@example.com>",
                                       "x@." };
    struct bench bench = open_bench("");
    size_t i;

    for (i = 0; i < ARRAY_COUNT(bad); i++)
        expect(&bench, bad[i], "error");
    expect(&bench, "x@bad_.test", "smtp|bad_.test|x@bad_.test|default");
    close_bench(&bench);
}

static const char transport[] =
    "transport_maps = inline:{ {full@tm.test=smtp:[full.hop]}, {tm.test=slow:}, {.tm.test=:sub.hop}, {null.test=:},"
    " {hop.test=:[hop.only]:26}, {alias.test=smtp:aliashop}, {example.com=smtp:localhop}, {mbox.test=:mboxhop},"
    " {relay.test=smtp:}, {err.test=error:5.7.0 go away, you}, {err2.test=error:}, {bad.test=nocolon},"
    " {up.test=SMTP:UP.Test} }\n";

TEST(transport_maps_come_before_all_but_aliases)
{
    struct bench bench = open_bench(transport);

    expect(&bench, "full@tm.test", "smtp|[full.hop]|full@tm.test|default");
    expect(&bench, "full+x@tm.test", "smtp|[full.hop]|full+x@tm.test|default");
    expect(&bench, "x@TM.test", "slow|tm.test|x@TM.test|default");
    expect(&bench, "x@a.sub.tm.test", "smtp|sub.hop|x@a.sub.tm.test|default");
    expect(&bench, "x@null.test", "smtp|null.test|x@null.test|default");
    expect(&bench, "x@hop.test", "smtp|[hop.only]:26|x@hop.test|default");
    expect(&bench, "x@alias.test", "error|5.1.1 User unknown in virtual alias table|x@alias.test|alias");
    expect(&bench, "x@example.com", "smtp|localhop|x@example.com|local");
    expect(&bench, "x@mbox.test", "virtual|mboxhop|x@mbox.test|mailbox");
    expect(&bench, "x@relay.test", "smtp|relay.test|x@relay.test|relay");
    expect(&bench, "x@err.test", "error|5.7.0 go away, you|x@err.test|default");
    expect(&bench, "x@err2.test", "error|Address is undeliverable|x@err2.test|default");
    expect(&bench, "x@bad.test", "nocolon|bad.test|x@bad.test|default");
    expect(&bench, "x@up.test", "SMTP|UP.Test|x@up.test|default");
    close_bench(&bench);
}

TEST(a_star_stands_for_every_address)
{
    struct bench bench = open_bench("transport_maps = inline:{ {*=uucp:wild} }\n");

    expect(&bench, "x@other.test", "uucp|wild|x@other.test|default");
    expect(&bench, "x@example.com", "uucp|wild|x@example.com|local");
    expect(&bench, "x@alias.test", "error|5.1.1 User unknown in virtual alias table|x@alias.test|alias");
    close_bench(&bench);
}

TEST(relayhost_is_the_next_hop_of_mail_for_elsewhere)
{
    char more[3000];
    struct bench bench;

    snprintf(more, sizeof more, "relayhost = smart.test\n%s", transport);
    bench = open_bench(more);
    expect(&bench, "x@other.test", "smtp|smart.test|x@other.test|default");
    expect(&bench, "x@null.test", "smtp|smart.test|x@null.test|default");
    expect(&bench, "x@sub.relay.test", "relay|smart.test|x@sub.relay.test|relay");
    expect(&bench, "x@relay.test", "smtp|relay.test|x@relay.test|relay");
    expect(&bench, "x@tm.test", "slow|tm.test|x@tm.test|default");
    expect(&bench, "foo@localhost", "local|mail.example.com|foo@localhost|local");
    close_bench(&bench);
}

TEST(a_sender_may_have_a_relayhost_and_a_transport_of_its_own)
{
    struct bench bench = open_bench(
        "relayhost = smart.test\n"
        "sender_dependent_relayhost_maps = inline:{ {a@s.test=[dep]:26}, {@t.test=depdom}, {<>=nullhop},"
        " {d@s.test=DUNNO} }\n"
        "sender_dependent_default_transport_maps = inline:{ {a@s.test=slow:}, {b@s.test=slow:xx}, {@t.test=DUNNO} }\n");

    expect_from(&bench, "a@s.test", "x@other.test", "slow|[dep]:26|x@other.test|default");
    expect_from(&bench, "A+e@S.TEST", "x@other.test", "slow|[dep]:26|x@other.test|default");
    expect_from(&bench, "a@s.test", "x@relay.test", "relay|[dep]:26|x@relay.test|relay");
    expect_from(&bench, "a@s.test", "x@example.com", "local|mail.example.com|x@example.com|local");
    expect_from(&bench, "b@s.test", "x@other.test", "slow|xx|x@other.test|default");
    expect_from(&bench, "d@s.test", "x@other.test", "smtp|smart.test|x@other.test|default");
    expect_from(&bench, "q@t.test", "x@other.test", "smtp|depdom|x@other.test|default");
    expect_from(&bench, "", "x@relay.test", "relay|nullhop|x@relay.test|relay");
    close_bench(&bench);
}

TEST(who_has_moved_is_refused_whatever_the_class)
{
    static const char maps[] = "relocated_maps = inline:{ {gone@other.test=new@far.test}, {user=the new place},"
                               " {@moved.test=elsewhere}, {x@alias.test=a}, {x@mbox.test=b}, {x@relay.test=c} }\n"
                               "transport_maps = inline:{ {other.test=slow:hop}, {example.com=uucp:} }\n";
    struct bench bench = open_bench(maps);
    char more[1000];

    expect(&bench, "gone@other.test", "error|5.1.6 User has moved to new@far.test|gone@other.test|default");
    expect(&bench, "Gone+x@OTHER.test", "error|5.1.6 User has moved to new@far.test|Gone+x@OTHER.test|default");
    expect(&bench, "here@other.test", "slow|hop|here@other.test|default");
    expect(&bench, "user@example.com", "error|5.1.6 User has moved to the new place|user@example.com|local");
    expect(&bench, "user+x", "error|5.1.6 User has moved to the new place|user+x@mail.example.com|local");
    expect(&bench, "user@[127.0.0.1]", "error|5.1.6 User has moved to the new place|user@[127.0.0.1]|local");
    expect(&bench, "user@other.test", "slow|hop|user@other.test|default");
    expect(&bench, "any@moved.test", "error|5.1.6 User has moved to elsewhere|any@moved.test|default");
    expect(&bench, "x@alias.test", "error|5.1.6 User has moved to a|x@alias.test|alias");
    expect(&bench, "x@mbox.test", "error|5.1.6 User has moved to b|x@mbox.test|mailbox");
    expect(&bench, "x@relay.test", "error|5.1.6 User has moved to c|x@relay.test|relay");
    close_bench(&bench);
    snprintf(more, sizeof more, "%srelocated_prefix_enable = no\n", maps);
    bench = open_bench(more);
    expect(&bench, "gone@other.test", "error|new@far.test|gone@other.test|default");
    close_bench(&bench);
    bench = open_bench("relocated_maps = fail:broken\n");
    expect(&bench, "x@other.test", "defer");
    close_bench(&bench);
}

TEST(the_four_transports_may_name_a_next_hop)
{
    struct bench bench = open_bench("default_transport = foo:bar\nrelayhost = smart.test\nlocal_transport = loc\n"
                                    "relay_transport = rel:relhop\nvirtual_transport = lmtp:unix:private/x\n");

    expect(&bench, "x@other.test", "foo|bar|x@other.test|default");
    expect(&bench, "x@relay.test", "rel|relhop|x@relay.test|relay");
    expect(&bench, "x@example.com", "loc|example.com|x@example.com|local");
    expect(&bench, "x@mbox.test", "lmtp|unix:private/x|x@mbox.test|mailbox");
    close_bench(&bench);
}

TEST(the_switches_change_what_stands_for_this_host)
{
    struct bench bench = open_bench("resolve_null_domain = yes\nresolve_numeric_domain = yes\nswap_bangpath = no\n"
                                    "resolve_dequoted_address = no\nallow_percent_hack = no\n");

    expect(&bench, "foo@", "local|mail.example.com|foo@mail.example.com|local");
    expect(&bench, "foo@1.2.3.4", "smtp|[1.2.3.4]|foo@[1.2.3.4]|default");
    expect(&bench, "foo@127.0.0.1", "local|mail.example.com|foo@[127.0.0.1]|local");
    expect(&bench, "a@b.test@example.com", "local|mail.example.com|a@b.test@example.com|local routed");
    expect(&bench, "a%b.test@example.com", "local|mail.example.com|a%b.test@example.com|local routed");
    expect(&bench, "a!b", "local|mail.example.com|a!b@mail.example.com|local routed");
    close_bench(&bench);
}

TEST(a_table_that_cannot_be_read_defers)
{
    struct bench bench = open_bench("transport_maps = texthash:/nonexistent/transport\n");

    expect(&bench, "x@other.test", "defer");
    close_bench(&bench);
    bench = open_bench("mydestination = texthash:/nonexistent/domains\n");
    expect(&bench, "x@other.test", "defer");
    close_bench(&bench);
    bench = open_bench("virtual_mailbox_domains = fail:broken\n");
    expect(&bench, "x@other.test", "defer");
    expect(&bench, "x@example.com", "local|mail.example.com|x@example.com|local");
    close_bench(&bench);
}

TEST(without_mydestination_nobody_is_local)
{
    struct bench bench = open_bench("mydestination =\n");

    expect(&bench, "foo", "smtp|mail.example.com|foo@mail.example.com|default");
    expect(&bench, "", "smtp|mail.example.com|MAILER-DAEMON@mail.example.com|default");
    expect(&bench, "foo@example.com", "smtp|example.com|foo@example.com|default");
    expect(&bench, "foo@[127.0.0.1]", "local|mail.example.com|foo@[127.0.0.1]|local");
    close_bench(&bench);
}

TEST(an_empty_domain_is_passed_over_while_an_operator_follows)
{
    struct bench bench = open_bench("");

    expect(&bench, "a@", "error");
    expect(&bench, "a%", "error");
    expect(&bench, "!a", "error");
    expect(&bench, "a@b.test@", "smtp|b.test|a@b.test|default");
    expect(&bench, "a%b.test@", "smtp|b.test|a@b.test|default");
    expect(&bench, "!example.com!a", "local|mail.example.com|a@example.com|local");
    expect(&bench, "!b.test!", "smtp|b.test|@b.test|default");
    expect(&bench, "!%example.com", "local|mail.example.com|MAILER-DAEMON@example.com|local");
    expect(&bench, "%b.test@b.test@", "smtp|b.test|%b.test@b.test|default routed");
    close_bench(&bench);
}

TEST(an_address_that_looks_like_an_option_is_none)
{
    struct bench bench = open_bench("");

    expect(&bench, "-x@other.test", "error");
    expect(&bench, "-x", "error");
    expect(&bench, "-x%relay.test@example.com", "error");
    expect(&bench, "x-@other.test", "smtp|other.test|x-@other.test|default");
    expect(&bench, "other.test!-x@example.com", "error");
    close_bench(&bench);
    bench = open_bench("allow_min_user = yes\n");
    expect(&bench, "-x@other.test", "smtp|other.test|-x@other.test|default");
    expect(&bench, "-x", "local|mail.example.com|-x@mail.example.com|local");
    close_bench(&bench);
}

static struct resolved_address resolve_one(struct bench *bench, struct str address)
{
    struct resolved_address answer;

    resolver_resolve(bench->resolver, STR("x@y.test"), address, bench->arena, &answer);
    return answer;
}

static struct str repeat(struct bench *bench, char c, size_t len)
{
    char *bytes = arena_alloc(bench->arena, len);

    memset(bytes, c, len);
    return str_make(bytes, len);
}

/* One address whose answer is too long for the message must not keep the rest of its batch from an answer. */
TEST(an_answer_is_never_longer_than_its_message_takes)
{
    struct bench bench = open_bench("");
    struct str name = repeat(&bench, 't', RESOLVE_TRANSPORT_MAXIMUM + 1);
    struct str hop = repeat(&bench, 'h', RESOLVE_NEXTHOP_MAXIMUM + 1);
    struct str path, text;
    struct resolved_address answer;
    FILE *file;
    char more[400];

    path = arena_printf(bench.arena, "%s/transport", unit_directory());
    text = arena_printf(bench.arena, "a.test %.*s:\nb.test smtp:%.*s\nc.test error:%.*s\nd.test retry:%.*s\n",
                        STR_ARG(name), STR_ARG(hop), STR_ARG(hop), STR_ARG(hop));
    file = fopen(path.data, "w");
    EXPECT(file != NULL && fwrite(text.data, 1, text.len, file) == text.len);
    if (file != NULL)
        fclose(file);
    close_bench(&bench);
    snprintf(more, sizeof more, "transport_maps = texthash:%s/transport\n", unit_directory());
    bench = open_bench(more);
    expect(&bench, "x@a.test", "defer");
    expect(&bench, "x@b.test", "defer");
    answer = resolve_one(&bench, STR("x@c.test"));
    EXPECT_UINT(answer.status, RESOLVE_OK);
    EXPECT_UINT(answer.nexthop.len, RESOLVE_NEXTHOP_MAXIMUM);
    answer = resolve_one(&bench, STR("x@d.test"));
    EXPECT_UINT(answer.status, RESOLVE_OK);
    EXPECT_UINT(answer.nexthop.len, RESOLVE_NEXTHOP_MAXIMUM);
    EXPECT_UINT(answer.recipient.len, strlen("x@d.test"));
    EXPECT_UINT(resolve_one(&bench, repeat(&bench, 'u', RESOLVE_RECIPIENT_MAXIMUM)).status, RESOLVE_ERROR);
    close_bench(&bench);
}

TEST(a_next_hop_that_is_the_domain_is_in_lower_case)
{
    struct bench bench = open_bench("transport_maps = inline:{{named.example=x:Named}, {bare.example=x:}}\n");

    EXPECT_STR(resolve_one(&bench, STR("U@Far.Example")).nexthop, STR("far.example"));
    EXPECT_STR(resolve_one(&bench, STR("U@Far.Example")).recipient, STR("U@Far.Example"));
    /* Folding would make another domain of it. */
    EXPECT_STR(resolve_one(&bench, STR("u@Stra\xc3\x9f"
                                       "e.example"))
                   .nexthop,
               STR("stra\xc3\x9f"
                   "e.example"));
    EXPECT_STR(resolve_one(&bench, STR("U@Named.Example")).nexthop, STR("Named"));
    EXPECT_STR(resolve_one(&bench, STR("U@Bare.Example")).nexthop, STR("bare.example"));
    close_bench(&bench);
}
