/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/restriction.h"

#include "config/main_cf.h"
#include "log/log.h"
#include "mail/address.h"
#include "protocol/rewrite.h"
#include "run/loop.h"
#include "smtpd/destination.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "unit.h"

/*
 * One recipient of one client, judged by lists as they stand in main.cf. Where an address leads is said below instead
 * of by the rewrite service.
 */
bool destination_look_up(struct smtpd *smtpd, struct str sender, struct str address, struct arena *arena,
                         const struct destination **destination_out, struct failure *why)
{
    struct destination *destination = arena_new(arena, struct destination);
    struct str domain = address_domain(address);

    (void) smtpd, (void) sender;
    if (str_equal(domain, STR("silent.test")))
        return failure_set(why, FAILURE_RETRY, 0, "the service does not answer");
    destination->recipient = address;
    destination->transport = STR("smtp");
    destination->address_class = str_equal(domain, STR("ours.test")) ? RESOLVE_RELAY : RESOLVE_DEFAULT;
    destination->is_routed = str_contains_char(address_local(address), '%');
    *destination_out = destination;
    return true;
}

bool destination_is_remembered(struct smtpd *smtpd, struct str sender, struct str address)
{
    (void) smtpd, (void) sender, (void) address;
    return true;
}

void destination_foresee(struct smtpd *smtpd, struct str sender, const struct strlist *addresses)
{
    (void) smtpd, (void) sender, (void) addresses;
}

void destination_set_listed(struct smtpd *smtpd, const struct destination *destination)
{
    (void) smtpd, (void) destination;
}

struct bench {
    struct arena *arena;
    struct smtpd smtpd;
    struct session session;
    struct check check;
    struct strbuf log;
};

static void collect_line(enum log_level level, struct str line, void *context)
{
    struct bench *bench = context;

    (void) level;
    strbuf_append(&bench->log, line);
    strbuf_append_char(&bench->log, '\n');
}

static void open_smtpd(struct bench *bench, const char *main_cf)
{
    static const char base[] = "myhostname = mail.ours.test\nmynetworks = 192.0.2.0/28\ninet_interfaces = 127.0.0.1\n";
    struct smtpd *smtpd = &bench->smtpd;
    struct table_set_options options = { 0 };
    struct failure why;
    void *settings;

    smtpd->arena = bench->arena;
    smtpd->loop = options.loop = loop_create();
    smtpd->tables = table_set_create(&options);
    EXPECT(main_cf_parse(arena_printf(bench->arena, "%s%s", base, main_cf), STR("main.cf"), STR("."), bench->arena,
                         &smtpd->main_cf, &why));
    EXPECT(shared_settings_load(smtpd->main_cf, bench->arena, &smtpd->shared, &why));
    EXPECT(settings_load(&smtpd_settings_table, smtpd->main_cf, STR_EMPTY, bench->arena, &settings, &why));
    smtpd->settings = settings;
    smtpd->mynetworks =
        match_list_open(smtpd->tables, STR("mynetworks"), smtpd->shared->mynetworks, MATCH_HOSTS, false);
    restriction_parse_classes(smtpd);
    smtpd->log_permit_actions =
        match_list_open(smtpd->tables, STR("permit"), smtpd->settings->log_access_permit_actions, MATCH_STRINGS, false);
}

/* The client c.test[192.0.2.9] has said HELO helo.test, MAIL FROM:<> and RCPT TO:<r@far.test>. */
static void open_bench(struct bench *bench, const char *main_cf)
{
    struct session *session = &bench->session;

    *bench = (struct bench){ .arena = arena_create() };
    strbuf_init(&bench->log, STRBUF_UNLIMITED);
    log_set_sink(collect_line, bench);
    open_smtpd(bench, main_cf);
    session->smtpd = &bench->smtpd;
    session->settings = bench->smtpd.settings;
    session->foreseen = SIZE_MAX; /* there is no stream to look ahead in */
    session->where = "RCPT";
    session->peer.name = STR("c.test");
    session->peer.address = STR("192.0.2.9");
    session->peer.shown = STR("c.test[192.0.2.9]");
    session->helo_name = STR("helo.test");
    session->transaction.arena = bench->arena;
    bench->check = (struct check){
        .session = session,
        .smtpd = &bench->smtpd,
        .arena = bench->arena,
        .topic = TOPIC_RECIPIENT,
        .recipient = STR("r@far.test"),
        .recipient_shown = STR("r@far.test"),
    };
}

static void close_bench(struct bench *bench)
{
    log_set_sink(NULL, NULL);
    table_set_destroy(&bench->smtpd.tables);
    loop_destroy(&bench->smtpd.loop);
    strbuf_done(&bench->log);
    arena_destroy(&bench->arena);
}

static struct str run(struct bench *bench, const char *list)
{
    const struct restriction_list *parsed = restriction_parse(&bench->smtpd, str_from_c(list));

    switch (restriction_run(&bench->check, parsed)) {
    case VERDICT_PERMIT:
        return STR("permit");
    case VERDICT_REJECT:
        return bench->check.reply;
    case VERDICT_DUNNO:
        break;
    }
    return STR("dunno");
}

/* list gives result for the recipient, and a line with log is written; NULL: none at all. */
struct row {
    const char *list;
    const char *result;
    const char *log;
};

static void expect_row(const char *main_cf, const char *recipient, const struct row *row)
{
    struct bench bench;
    struct str found;

    open_bench(&bench, main_cf);
    bench.check.recipient = bench.check.recipient_shown = str_from_c(recipient);
    found = run(&bench, row->list);
    EXPECT_STR(arena_printf(bench.arena, "%s: %.*s", row->list, STR_ARG(found)),
               arena_printf(bench.arena, "%s: %s", row->list, row->result));
    if (row->log == NULL)
        EXPECT_STR(strbuf_str(&bench.log), STR(""));
    else if (str_find(strbuf_str(&bench.log), str_from_c(row->log)) == STR_NOT_FOUND)
        EXPECT_STR(strbuf_str(&bench.log), str_from_c(row->log));
    close_bench(&bench);
}

#define EXPECT_ROWS(main_cf, recipient, rows)                                                                          \
    for (size_t row_ = 0; row_ < ARRAY_COUNT(rows); row_++)                                                            \
    expect_row((main_cf), (recipient), &(rows)[row_])

#define REJECTED "554 5.7.1 <r@far.test>: Recipient address rejected: Access denied"
#define MISCONFIGURED "451 4.3.5 Server configuration error"
#define LOGGED(reply)                                                                                                  \
    "NOQUEUE: reject: RCPT from c.test[192.0.2.9]: " reply "; from=<> to=<r@far.test> proto=SMTP helo=<helo.test>\n"

TEST(the_first_restriction_that_decides_ends_the_list)
{
    static const struct row rows[] = {
        { "", "dunno", NULL },
        { "permit, reject", "permit", "warning: restriction `reject' after `permit' is ignored\n" },
        { "reject permit", REJECTED, LOGGED(REJECTED) },
        { "permit_sasl_authenticated, permit_tls_clientcerts,\n reject", REJECTED, LOGGED(REJECTED) },
        { "defer, permit", "450 4.3.2 <r@far.test>: Recipient address rejected: Try again later", "reject: RCPT" },
        { "permit_mynetworks, reject", "permit", NULL },
        { "PERMIT", "permit", NULL },
    };

    EXPECT_ROWS("", "r@far.test", rows);
}

TEST(a_name_that_is_unknown_or_not_built_never_passes_in_silence)
{
    static const struct row rows[] = {
        { "no_such_thing, permit", MISCONFIGURED, "warning: unknown smtpd restriction: \"no_such_thing\"\n" },
        { "no_such_thing", MISCONFIGURED, LOGGED(MISCONFIGURED) },
        { "check_recipient_access", MISCONFIGURED,
          "restriction check_recipient_access: bad argument \"check_recipient_access\": need maptype:mapname" },
        { "permit, no_such_thing", "permit", "restriction `no_such_thing' after `permit' is ignored" },
        { "warn_if_reject no_such_thing, permit", "permit", "unknown smtpd restriction: \"no_such_thing\"" },
        { "loop, permit", MISCONFIGURED, "restrictions name each other without end\n" },
    };

    EXPECT_ROWS("smtpd_restriction_classes = loop\nloop = loop\n", "r@far.test", rows);
}

TEST(an_argument_that_is_missing_or_of_another_kind_is_told_when_it_is_reached)
{
    static const struct row rows[] = {
        { "sleep 0, permit", "permit", NULL },
        { "sleep", MISCONFIGURED, "warning: restriction sleep must be followed by number\n" },
        { "sleep soon, permit", MISCONFIGURED, "warning: restriction sleep must be followed by number\n" },
        { "sleep 99999999999999, permit", MISCONFIGURED, "restriction sleep must be followed by number\n" },
        { "check_helo_access permit, permit", MISCONFIGURED,
          "warning: restriction check_helo_access: bad argument \"permit\": need maptype:mapname\n" },
        { "check_policy_service", MISCONFIGURED,
          "warning: restriction check_policy_service must be followed by transport:server\n" },
    };

    EXPECT_ROWS("", "r@far.test", rows);
}

TEST(a_table_that_leads_back_to_itself_ends)
{
    static const struct row rows[] = {
        { "circle, permit", MISCONFIGURED, " entry circle causes unreasonable recursion\n" },
    };

    EXPECT_ROWS("smtpd_restriction_classes = circle\n"
                "circle = check_recipient_access inline:{ { r@far.test = circle } }\n",
                "r@far.test", rows);
}

TEST(foreign_destinations_are_refused_and_our_own_are_not)
{
    static const struct row foreign[] = {
        { "reject_unauth_destination, permit", "554 5.7.1 <r@far.test>: Relay access denied", "Relay access denied" },
        { "defer_unauth_destination, permit", "454 4.7.1 <r@far.test>: Relay access denied", "Relay access denied" },
        { "permit_auth_destination", "dunno", NULL },
    };
    static const struct row ours[] = {
        { "reject_unauth_destination", "dunno", NULL },
        { "defer_unauth_destination", "dunno", NULL },
        { "permit_auth_destination", "permit", NULL },
    };
    static const struct row routed[] = {
        { "reject_unauth_destination", "554 5.7.1 <a%b@ours.test>: Relay access denied", "Relay access denied" },
        { "permit_auth_destination", "dunno", NULL },
    };
    static const struct row silent[] = {
        { "reject_unauth_destination", "451 4.3.0 <r@silent.test>: Temporary lookup failure",
          "the service does not answer" },
    };

    EXPECT_ROWS("", "r@far.test", foreign);
    EXPECT_ROWS("", "r@ours.test", ours);
    EXPECT_ROWS("", "a%b@ours.test", routed);
    EXPECT_ROWS("", "r@silent.test", silent);
}

#define TABLE(value) "check_recipient_access { inline:{ { r@far.test = " value " } } }, permit"
#define SAYS(code, status, text) code " " status " <r@far.test>: Recipient address rejected: " text

TEST(an_access_table_says_what_becomes_of_the_recipient)
{
    static const struct row rows[] = {
        { "check_recipient_access { inline:{ other@far.test=REJECT } }, permit", "permit", NULL },
        { "check_recipient_access { inline:{ r@far.test=OK } }, reject", "permit", NULL },
        { "check_recipient_access { inline:{ far.test=RELAY } }, reject", "permit", NULL },
        { "check_recipient_access { inline:{ r@=12345 } }, reject", "permit", NULL },
        { "check_recipient_access { inline:{ r@far.test=DUNNO, far.test=OK } }, reject", REJECTED, LOGGED(REJECTED) },
        { "inline:{ r@far.test=reject }, permit", REJECTED, LOGGED(REJECTED) },
        { TABLE("REJECT no thanks"), SAYS("554", "5.7.1", "no thanks"), "no thanks" },
        { TABLE("REJECT\tno \nthanks"), SAYS("554", "5.7.1", "no  thanks"), "no  thanks" },
        { TABLE("450\t4.7.1 come \x01 again"), SAYS("450", "4.7.1", "come   again"), "come   again" },
        { TABLE("REJECT 5.1.1 gone"), SAYS("554", "5.1.1", "gone"), "gone" },
        { TABLE("DEFER"), SAYS("450", "4.7.1", "Access denied"), "Access denied" },
        { TABLE("defer 4.2.0 later"), SAYS("450", "4.2.0", "later"), "later" },
        { TABLE("550 gone"), SAYS("550", "5.7.1", "gone"), "gone" },
        { TABLE("421 4.3.2 over"), SAYS("421", "4.3.2", "over"), "over" },
        { TABLE("450 5.1.1 odd"), SAYS("450", "4.1.1", "odd"), "odd" },
        { TABLE("WARN look"), "permit", "NOQUEUE: warn: RCPT from c.test[192.0.2.9]: look; from=<>" },
        { TABLE("INFO look"), "permit", "NOQUEUE: info: RCPT from c.test[192.0.2.9]: look; from=<>" },
        { TABLE("reject_unauth_destination"), "554 5.7.1 <r@far.test>: Relay access denied", "Relay access denied" },
        { TABLE("permit_mynetworks, reject"), "permit", NULL },
        { TABLE("strict"), REJECTED, LOGGED(REJECTED) },
        { TABLE("by_table"), SAYS("554", "5.7.1", "of a class"), "of a class" },
        { "by_topic, permit", REJECTED, LOGGED(REJECTED) },
        { TABLE("300 odd"), MISCONFIGURED, "unknown smtpd restriction: \"300\"" },
        { TABLE("no_such_thing"), MISCONFIGURED, "unknown smtpd restriction: \"no_such_thing\"" },
        { TABLE("HOLD"), "permit",
          "NOQUEUE: hold: RCPT from c.test[192.0.2.9]: <r@far.test>: Recipient address triggers "
          "HOLD action; from=<>" },
        { TABLE("DISCARD of no use"), "permit",
          "discard: RCPT from c.test[192.0.2.9]: <r@far.test>: Recipient address "
          "of no use; from=<>" },
        { TABLE("FILTER smtp:x"), "permit", "Recipient address triggers FILTER smtp:x; from=<>" },
        { TABLE("FILTER"), "permit", "entry \"r@far.test\" has FILTER entry without value" },
        { TABLE("FILTER x"), "permit", "entry \"r@far.test\" requires transport:destination" },
        { TABLE("REDIRECT a@b.test"), "permit", "Recipient address triggers REDIRECT a@b.test; from=<>" },
        { TABLE("REDIRECT a"), "permit", "entry \"r@far.test\" requires user@domain target" },
        { TABLE("BCC a@b.test"), "permit", "Recipient address triggers BCC a@b.test; from=<>" },
        { TABLE("BCC"), "permit", "entry \"r@far.test\" requires user@domain target" },
        { TABLE("PREPEND X-A: 1"), "permit", NULL },
        { TABLE("PREPEND no header"), "permit", "entry \"r@far.test\" requires header: text" },
        { TABLE("hash:/x"), MISCONFIGURED, "has entry with lookup table: hash:/x" },
        { "check_recipient_access hash:/nonexistent/table, permit", SAYS("451", "4.3.5", "Server configuration error"),
          "table lookup problem" },
    };

    EXPECT_ROWS("smtpd_restriction_classes = strict, by_table by_topic\nstrict = reject\n"
                "by_table = check_recipient_access inline:{{ far.test = REJECT of a class }}\n"
                "by_topic = inline:{ far.test=REJECT }\n",
                "r@far.test", rows);
}

TEST(warn_if_reject_softens_only_what_follows_it)
{
    static const struct row rows[] = {
        { "warn_if_reject reject, permit", "permit",
          "NOQUEUE: reject_warning: RCPT from c.test[192.0.2.9]: " REJECTED },
        { "warn_if_reject reject, reject", REJECTED, LOGGED(REJECTED) },
        { "warn_if_reject strict, permit", "permit", "reject_warning" },
        { "warn_if_reject permit, reject", "permit", "restriction `reject' after `permit' is ignored" },
    };

    EXPECT_ROWS("smtpd_restriction_classes = strict\nstrict = reject\n", "r@far.test", rows);
}

TEST(a_refusal_gives_way_to_a_kept_deferral_and_to_soft_bounce)
{
    static const struct row kept[] = {
        { "defer_if_reject, reject", SAYS("450", "4.7.0", "defer_if_reject requested"), "defer_if_reject" },
        { "defer_if_reject, defer", SAYS("450", "4.3.2", "Try again later"), "Try again later" },
        { TABLE("DEFER_IF_REJECT wait, reject"), "permit", NULL },
        { "defer_if_reject, permit", "permit", NULL },
        { "defer_if_reject, defer_if_permit, reject", SAYS("450", "4.7.0", "defer_if_permit requested"), "450 4.7.0" },
        { "warn_if_reject defer_if_reject, reject", SAYS("450", "4.7.0", "defer_if_reject requested"), "450 4.7.0" },
        { "warn_if_reject defer_if_permit", "dunno", "reject_warning: RCPT from c.test[192.0.2.9]: 450 4.7.0" },
    };
    static const struct row soft[] = {
        { "reject", SAYS("454", "4.7.1", "Access denied"), "454 4.7.1" },
    };
    struct bench bench;

    EXPECT_ROWS("", "r@far.test", kept);
    EXPECT_ROWS("soft_bounce = yes\n", "r@far.test", soft);
    open_bench(&bench, "");
    EXPECT_STR(run(&bench, "defer_if_permit, permit"), STR("permit"));
    EXPECT_STR(bench.check.defer_if_permit.reply, STR(SAYS("450", "4.7.0", "defer_if_permit requested")));
    close_bench(&bench);
}

TEST(each_topic_is_looked_up_by_its_own_name)
{
    static const struct {
        enum restriction_topic topic;
        const char *list;
        const char *result;
    } rows[] = {
        { TOPIC_CLIENT, "reject", "554 5.7.1 <c.test[192.0.2.9]>: Client host rejected: Access denied" },
        { TOPIC_CLIENT, "inline:{ c.test=REJECT }",
          "554 5.7.1 <c.test[192.0.2.9]>: Client host rejected: Access denied" },
        { TOPIC_CLIENT, "inline:{ 192.0.2=REJECT }",
          "554 5.7.1 <c.test[192.0.2.9]>: Client host rejected: Access denied" },
        { TOPIC_HELO, "inline:{ helo.test=REJECT }", "554 5.7.1 <helo.test>: Helo command rejected: Access denied" },
        { TOPIC_SENDER, "inline:{ <>=REJECT }", "554 5.7.1 <>: Sender address rejected: Access denied" },
        { TOPIC_RECIPIENT, "check_helo_access inline:{ helo.test=OK }", "permit" },
        { TOPIC_DATA, "reject", "554 5.7.1 <DATA>: Data command rejected: Access denied" },
        { TOPIC_END_OF_DATA, "reject", "554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bench bench;

        open_bench(&bench, "");
        bench.check.topic = rows[i].topic;
        EXPECT_STR(run(&bench, rows[i].list), str_from_c(rows[i].result));
        close_bench(&bench);
    }
}

TEST(a_list_that_keeps_strangers_from_relaying_is_known)
{
    static const struct {
        const char *list;
        bool stops;
    } rows[] = {
        { "permit_mynetworks, reject_unauth_destination", true },
        { "permit_mynetworks, defer_unauth_destination", true },
        { "check_recipient_access inline:{a=b}, defer", true },
        { "strict", true },
        { "permit_mynetworks, permit_sasl_authenticated", false },
        { "warn_if_reject reject_unauth_destination", false },
        { "check_recipient_access inline:{a=REJECT}", false },
        { "", false },
    };
    struct bench bench;

    open_bench(&bench, "smtpd_restriction_classes = strict\nstrict = permit_mynetworks, reject\n");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct restriction_list *list = restriction_parse(&bench.smtpd, str_from_c(rows[i].list));

        EXPECT_STR(str_from_c(restriction_list_stops_relaying(list) == rows[i].stops ? "" : rows[i].list), STR(""));
    }
    close_bench(&bench);
}
