/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/message.h"

#include "cleanup/inspection.h"
#include "cleanup/notifier.h"
#include "cleanup/recipients.h"
#include "cleanup/rewriter.h"
#include "cleanup/service.h"
#include "config/main_cf.h"
#include "ipc/channel.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "protocol/rewrite.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "spool/queue_file.h"
#include "table/table.h"
#include "unit.h"

#include <unistd.h>

/*
 * One message through the whole of cleanup: a journal in a directory of the test, and a rewrite service that appends
 * "@example.com" to bare names. Every message becomes a file, from which it is read back.
 */
struct stage {
    struct loop *loop;
    struct arena *arena;
    struct service service;
    int listen_fd;
    struct listener *listener;
    struct channel_set set;
    unsigned questions; /* requests to the rewrite service */
    bool is_rewrite_broken;
    /* the message */
    const char *main_cf;
    uint64_t flags;
    const char *sender;
    const char *attribute;
    const char *full_name;
    const char *const *recipients;
    const char *content;
    /* what came out */
    enum cleanup_status status;
    struct str dsn;
    struct str reason;
    struct str text;
    struct envelope envelope;
    struct strbuf log;
};

static void collect_line(enum log_level level, struct str line, void *context)
{
    struct stage *stage = context;

    (void) level;
    strbuf_append(&stage->log, line);
    strbuf_append_char(&stage->log, '\n');
}

static void rewrite_handler(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    struct rewrite_reply reply = { .generation = 1 };
    const struct rewrite_request *request;
    struct failure why;
    void *message;

    stage->questions++;
    EXPECT(call_expect(call, &rewrite_request_message, arena, seconds(10), &message, &why));
    request = message;
    for (size_t i = 0; i < request->addresses.count; i++) {
        struct str address = request->addresses.items[i];
        const char *domain = request->is_local ? "example.com" : "invalid.example";

        if (!str_contains_char(address, '@'))
            address = arena_printf(arena, "%.*s@%s", STR_ARG(address), domain);
        strlist_add(&reply.addresses, arena, address);
    }
    if (stage->is_rewrite_broken)
        reply.addresses.count = 0;
    EXPECT(call_send(call, &rewrite_reply_message, &reply, seconds(10), &why));
    arena_destroy(&arena);
}

static void serve_rewrite(void *context)
{
    struct stage *stage = context;
    struct failure why;
    int fd;

    if (!listener_accept(stage->listener, seconds(10), &fd, NULL, &why))
        return;
    (void) !channel_serve(stage->loop, fd, &rewrite_protocol, rewrite_handler, stage, &stage->set, &why);
}

static void ignore_notice(void *context, const struct journal_notice *notice)
{
    (void) context;
    (void) notice;
}

static void ignore_file(void *context, struct queue_id id, bool is_held)
{
    (void) context;
    (void) id;
    (void) is_held;
}

static void open_service(struct stage *stage, struct table_set *tables, struct endpoint *endpoint)
{
    struct journal_settings journal = {
        .spool = { 0 },
        .inline_limit = 1,
        .segment_bytes = 1 << 20,
        .limit_bytes = 1 << 24,
        .segment_age = seconds(30),
    };
    struct journal_events events = { .notice = ignore_notice, .file = ignore_file };
    struct service *service = &stage->service;
    struct main_cf *cf;
    void *settings;
    struct failure why;

    EXPECT(main_cf_parse(str_from_c(stage->main_cf), STR("main.cf"), STR("."), stage->arena, &cf, &why));
    EXPECT(shared_settings_load(cf, stage->arena, &service->shared, &why));
    EXPECT(settings_load(&cleanup_settings_table, cf, STR_EMPTY, stage->arena, &settings, &why));
    service->settings = settings;
    service->loop = stage->loop;
    service->mapping = mapping_create(tables, settings, service->shared, cf, stage->arena, &why);
    EXPECT(service->mapping != NULL);
    inspection_open(service, tables, stage->arena);
    service->rewriter = rewriter_create(endpoint, seconds(10));
    mapping_set_rewriter(service->mapping, service->rewriter);
    EXPECT(spool_make_folders(&why));
    EXPECT(journal_writer_open(stage->loop, &journal, &events, &service->journal, &why));
}

static void feed(struct stage *stage, struct message *message)
{
    struct cleanup_envelope envelope = {
        .arrival = instant_from_seconds(1795312000),
        .sender = str_from_c(stage->sender),
        .full_name = str_from_c(stage->full_name),
    };
    struct str content = str_from_c(stage->content);

    strlist_add(&envelope.attributes, stage->arena, str_from_c(stage->attribute));
    strlist_add(&envelope.attributes, stage->arena, STR("client_name=c.example"));
    strlist_add(&envelope.attributes, stage->arena, STR("other=thing"));
    message_set_envelope(message, &envelope);
    for (size_t i = 0; stage->recipients[i] != NULL; i++) {
        struct cleanup_recipient recipient = { .address = str_from_c(stage->recipients[i]) };

        recipients_add(message, &recipient);
    }
    for (; content.len > 0; content = str_from(content, 7))
        message_add_content(message, str_part(content, 0, 7));
    message_finish(message);
}

static void read_back(struct stage *stage, struct queue_id id)
{
    struct spool_settings spool = { 0 };
    char path[SPOOL_PATH_SIZE];
    struct queue_file_content content;
    struct failure why;
    size_t count;
    char *text;
    int fd;

    spool_path(&spool, SPOOL_INCOMING, id, path);
    EXPECT(queue_file_open(path, stage->arena, &stage->envelope, &content, &fd, &why));
    text = arena_alloc(stage->arena, (size_t) content.length + 1);
    EXPECT(file_read_at(fd, path, text, (size_t) content.length, content.offset, &count, &why));
    stage->text = str_make(text, count);
    fd_close(&fd);
}

static void run_message(struct stage *stage)
{
    struct message message;

    message_init(&message, &stage->service, stage->arena, (unsigned) stage->flags);
    EXPECT(message_begin(&message));
    feed(stage, &message);
    stage->status = message.status;
    stage->dsn = arena_str(stage->arena, message.dsn);
    stage->reason = arena_str(stage->arena, message.reason);
    if (message.status == CLEANUP_OK)
        read_back(stage, message.id);
    message_done(&message);
}

static void run_stage(void *context)
{
    struct stage *stage = context;
    struct table_set_options options = { .loop = stage->loop };
    struct table_set *tables = table_set_create(&options);
    struct endpoint *endpoint = endpoint_create(stage->loop, "rewrite", &rewrite_protocol, seconds(10));
    struct fiber_group group;
    struct failure why;

    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve_rewrite, stage);
    open_service(stage, tables, endpoint);
    run_message(stage);
    journal_writer_close(&stage->service.journal);
    rewriter_destroy(&stage->service.rewriter);
    endpoint_destroy(&endpoint);
    table_set_destroy(&tables);
    listener_abort(stage->listener);
    EXPECT(fiber_group_wait(&group, seconds(10), &why));
}

static const char base_cf[] = "myhostname = mail.example.com\nmyorigin = example.com\nmydestination = example.com\n"
                              "inet_interfaces = 127.0.0.1\nmynetworks = 127.0.0.0/8\nalways_bcc =\n";

static void play(struct stage *stage)
{
    struct failure why;

    EXPECT(chdir(unit_directory()) == 0);
    stage->loop = loop_create();
    stage->arena = arena_create();
    strbuf_init(&stage->log, STRBUF_UNLIMITED);
    channel_set_init(&stage->set);
    log_set_sink(collect_line, stage);
    EXPECT(socket_listen_unix("rewrite", 5, &stage->listen_fd, &why));
    EXPECT(listener_create(stage->loop, stage->listen_fd, &stage->listener, &why));
    fiber_run(stage->loop, run_stage, stage);
    listener_destroy(&stage->listener);
    fd_close(&stage->listen_fd);
    loop_destroy(&stage->loop);
    log_set_sink(NULL, NULL);
}

static void strike(struct stage *stage)
{
    strbuf_done(&stage->log);
    arena_destroy(&stage->arena);
}

static struct str with_cf(struct arena *arena, const char *more)
{
    return arena_printf(arena, "%s%s", base_cf, more);
}

static const char *const one[] = { "x@far.example", NULL };
static const char *const nobody[] = { NULL };

static struct stage stage_of(const char *content)
{
    return (struct stage){
        .main_cf = base_cf,
        .flags = CLEANUP_FLAGS_EXTERNAL,
        .sender = "user",
        .attribute = "rewrite_context=local",
        .full_name = "",
        .recipients = one,
        .content = content,
    };
}

/* "address<original;" for each recipient. */
static void expect_recipients(struct stage *stage, const char *expected)
{
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < stage->envelope.recipient_count; i++)
        strbuf_printf(&text, "%.*s<%.*s;", STR_ARG(stage->envelope.recipients[i].address),
                      STR_ARG(stage->envelope.recipients[i].original));
    EXPECT_STR(strbuf_str(&text), str_from_c(expected));
    strbuf_done(&text);
}

static void expect_contains(struct str text, const char *part)
{
    if (str_find(text, str_from_c(part)) == STR_NOT_FOUND)
        EXPECT_STR(text, str_from_c(part));
}

TEST(a_message_of_a_local_user_gets_what_is_missing)
{
    struct stage stage = stage_of("Subject: hi\nTo: foo (c), \"A B\"\n <bar>, z@y.example\nReturn-Path: <q>\nBcc: h\n"
                                  "\nbody\r\n\n");
    struct str end;

    stage.full_name = "Full \"Q\" Name";
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_OK);
    expect_recipients(&stage, "x@far.example<x@far.example;");
    EXPECT_STR(stage.envelope.sender, STR("user@example.com"));
    EXPECT_STR(stage.envelope.client_name, STR("c.example"));
    EXPECT_STR(envelope_attribute(&stage.envelope, STR("other")), STR("thing"));
    EXPECT_STR(stage.envelope.recipients[0].dsn_original, STR("rfc822;x@far.example"));
    expect_contains(stage.text, "Subject: hi\nTo: foo@example.com (c), \"A B\"\n <bar@example.com>, z@y.example\n"
                                "Message-Id: <20261122014640.");
    end = str_from(stage.text, str_find(stage.text, STR("\nFrom: ")));
    EXPECT_STR(end, STR("\nFrom: \"Full \\\"Q\\\" Name\" <user@example.com>\n\nbody \n\n"));
    EXPECT_UINT(stage.envelope.content_size, stage.text.len);
    EXPECT_UINT(stage.envelope.content_lines, str_count_char(stage.text, '\n'));
    expect_contains(strbuf_str(&stage.log), ": message-id=<20261122014640.");
    strike(&stage);
}

TEST(a_message_of_a_stranger_keeps_its_header)
{
    struct stage stage = stage_of("Subject: hi\nTo: foo\nBcc: h\n\nbody");

    stage.attribute = "rewrite_context=remote";
    play(&stage);
    EXPECT_STR(stage.text, STR("Subject: hi\nTo: foo\n\nbody"));
    expect_contains(strbuf_str(&stage.log), ": message-id=<>");
    EXPECT_STR(stage.envelope.sender, STR("user@example.com"));
    strike(&stage);
}

TEST(a_line_that_is_no_header_begins_the_body)
{
    struct stage stage = stage_of("Subject: hi\nMessage-Id: <a@b>\nno header here\nTo: x\n");

    stage.attribute = "rewrite_context=remote";
    play(&stage);
    EXPECT_STR(stage.text, STR("Subject: hi\nMessage-Id: <a@b>\n\nno header here\nTo: x\n"));
    EXPECT_STR(stage.envelope.message_id, STR("<a@b>"));
    strike(&stage);
}

TEST(a_message_without_body_gets_no_empty_line)
{
    struct stage bare = stage_of("Subject: hi\n");
    struct stage ended = stage_of("Subject: hi\n\n");
    struct stage empty = stage_of("");

    bare.attribute = ended.attribute = empty.attribute = "rewrite_context=remote";
    play(&bare);
    EXPECT_STR(bare.text, STR("Subject: hi\n"));
    play(&ended);
    EXPECT_STR(ended.text, STR("Subject: hi\n\n"));
    play(&empty);
    EXPECT_STR(empty.text, STR(""));
    strike(&bare);
    strike(&ended);
    strike(&empty);
}

TEST(recipients_are_taken_from_the_header)
{
    struct stage stage = stage_of("To: one, Two <two@far.example>\nCc: g: three;\nBcc: four\nFrom: five\n\n");

    stage.flags |= CLEANUP_FLAG_EXTRACT;
    stage.recipients = nobody;
    play(&stage);
    expect_recipients(&stage, "one@example.com<one;two@far.example<two@far.example;three@example.com<three;"
                              "four@example.com<four;");
    EXPECT_UINT(str_find(stage.text, STR("Bcc")), STR_NOT_FOUND);
    strike(&stage);
}

TEST(a_resent_message_goes_to_the_resent_recipients)
{
    struct stage stage = stage_of("Resent-To: new@far.example\nTo: old@far.example\nFrom: a@b\nDate: x\n\n");

    stage.flags |= CLEANUP_FLAG_EXTRACT;
    stage.recipients = nobody;
    play(&stage);
    expect_recipients(&stage, "new@far.example<new@far.example;");
    expect_contains(stage.text, "\nResent-Message-Id: <");
    expect_contains(stage.text, "\nResent-Date: ");
    expect_contains(stage.text, "\nResent-From: user@example.com\n");
    expect_contains(strbuf_str(&stage.log), ": resent-message-id=<");
    strike(&stage);
}

TEST(a_message_for_nobody_is_refused)
{
    struct stage stage = stage_of("Subject: x\n\n");

    stage.recipients = nobody;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_NO_RECIPIENTS);
    strike(&stage);
}

TEST(recipients_come_once_and_aliases_are_followed)
{
    static const char *const recipients[] = { "a", "A", "multi", "cat@dom.example", "u+ext", NULL };
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.recipients = recipients;
    stage.main_cf = with_cf(arena, "recipient_delimiter = +\nvirtual_alias_maps = inline:{\n"
                                   " { multi@example.com = m1@x.example, m2, multi }\n"
                                   " { m2 = m3@x.example \"q q\"@x.example }\n"
                                   " { cat@dom.example = @new.example } { loop = loop2 } { loop2 = loop }\n"
                                   " { u = v@w.example } }\nalways_bcc = copy\n")
                        .data;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_OK);
    expect_recipients(&stage, "a@example.com<a;multi@example.com<multi;m1@x.example<multi;m3@x.example<multi;"
                              "q q@x.example<multi;cat@new.example<cat@dom.example;"
                              "v+ext@w.example<u+ext;copy@example.com<copy@example.com;");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(an_alias_that_grows_is_put_off)
{
    static const char *const recipients[] = { "g1@grow.example", NULL };
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.recipients = recipients;
    stage.main_cf = with_cf(arena, "virtual_alias_maps = pcre:{{/^g(.*)@grow.example$$/ gg$$1@grow.example}}\n").data;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_DEFERRED);
    EXPECT_STR(stage.dsn, STR("4.6.0"));
    EXPECT_STR(stage.reason, STR("Alias expansion error"));
    expect_contains(strbuf_str(&stage.log), "unreasonable virtual_alias_maps ");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(aliases_that_only_name_each_other_are_put_off)
{
    static const char *const recipients[] = { "loop", NULL };
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.recipients = recipients;
    stage.main_cf = with_cf(arena, "virtual_alias_maps = inline:{ { loop = loop2 } { loop2 = loop } }\n").data;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_DEFERRED);
    EXPECT_STR(stage.dsn, STR("4.6.0"));
    expect_contains(strbuf_str(&stage.log), "unreasonable virtual_alias_maps map nesting for loop@example.com");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_table_that_cannot_answer_defers_the_message)
{
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.main_cf = with_cf(arena, "virtual_alias_maps = hash:/nonexistent/table\n").data;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_DEFERRED);
    expect_contains(strbuf_str(&stage.log), "virtual_alias_maps map lookup problem for x@far.example -- message not "
                                            "accepted, try again later");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_rewrite_service_that_answers_nonsense_defers_the_message)
{
    struct stage stage = stage_of("Subject: x\n\n");

    stage.is_rewrite_broken = true;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_DEFERRED);
    expect_contains(strbuf_str(&stage.log), "address rewriting problem");
    strike(&stage);
}

TEST(canonical_maps_and_masquerading_change_envelope_and_header)
{
    static const char *const recipients[] = { "canon", "r@host.inner.example", NULL };
    struct stage stage = stage_of("From: canon\nTo: s@host.inner.example, only\nCc: loopa\n\n");
    struct arena *arena = arena_create();

    stage.sender = "s@host.inner.example";
    stage.recipients = recipients;
    stage.main_cf = with_cf(arena, "canonical_maps = inline:{ canon@example.com=changed@else.example }\n"
                                   "recipient_canonical_maps = inline:{ only=toonly@else.example }\n"
                                   "masquerade_domains = inner.example\n")
                        .data;
    play(&stage);
    EXPECT_STR(stage.envelope.sender, STR("s@inner.example"));
    expect_recipients(&stage, "changed@else.example<canon;r@host.inner.example<r@host.inner.example;");
    expect_contains(stage.text, "From: changed@else.example\nTo: s@inner.example, toonly@else.example\n"
                                "Cc: loopa@example.com\n");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(too_many_hops_and_too_many_bytes_are_told)
{
    struct stage hops = stage_of("Received: 1\nReceived: 2\nReceived: 3\n\n");
    struct stage bytes = stage_of("Subject: long\n\n0123456789012345678901234567890123456789\n");
    struct arena *arena = arena_create();

    hops.main_cf = with_cf(arena, "hopcount_limit = 3\n").data;
    play(&hops);
    EXPECT_INT(hops.status, CLEANUP_TOO_MANY_HOPS);
    bytes.main_cf = with_cf(arena, "message_size_limit = 40\n").data;
    bytes.attribute = "rewrite_context=remote";
    play(&bytes);
    EXPECT_INT(bytes.status, CLEANUP_TOO_BIG);
    arena_destroy(&arena);
    strike(&hops);
    strike(&bytes);
}

TEST(the_null_sender_stays_and_is_named_mailer_daemon)
{
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.sender = "";
    stage.main_cf = with_cf(arena, "undisclosed_recipients_header = To: undisclosed-recipients:;\n").data;
    play(&stage);
    EXPECT_STR(stage.envelope.sender, STR(""));
    expect_contains(stage.text, "\nFrom: MAILER-DAEMON\nTo: undisclosed-recipients:;\n\n");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(many_recipients_are_asked_for_in_few_questions)
{
    enum { COUNT = 5000 };
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();
    const char **recipients = arena_new_array(arena, COUNT + 1, const char *);

    for (unsigned i = 0; i < COUNT; i++)
        recipients[i] = arena_printf(arena, "user%u@far.example", i).data;
    stage.recipients = recipients;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_OK);
    EXPECT_UINT(stage.envelope.recipient_count, COUNT);
    EXPECT(stage.questions < 40);
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_recipient_that_comes_again_is_left_out)
{
    static const char *const recipients[] = { "x@far.example", "x@far.example", "y@far.example",
                                              "X@Far.example", "y@far.example", NULL };
    struct stage stage = stage_of("Subject: x\n\n");

    stage.recipients = recipients;
    play(&stage);
    EXPECT_INT(stage.status, CLEANUP_OK);
    expect_recipients(&stage, "x@far.example<x@far.example;y@far.example<y@far.example;");
    strike(&stage);
}

/* The From header that is made for this full name; in the stage's text. */
static void expect_from(const char *more_cf, const char *full_name, const char *expected)
{
    struct stage stage = stage_of("Subject: x\n\n");
    struct arena *arena = arena_create();

    stage.main_cf = with_cf(arena, more_cf).data;
    stage.full_name = full_name;
    play(&stage);
    expect_contains(stage.text, arena_printf(arena, "\nFrom: %s\n", expected).data);
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_sender_s_name_comes_in_the_form_that_is_wanted)
{
    static const char obsolete[] = "header_from_format = obsolete\n";

    expect_from("", "  two \t words ", "two words <user@example.com>");
    expect_from("", "Q. Name", "\"Q. Name\" <user@example.com>");
    expect_from("", "J\xc3\xbcrgen", "=?utf-8?Q?J=C3=BCrgen?= <user@example.com>");
    expect_from("full_name_encoding_charset = x-own\n", "J\xc3\xbcrgen", "=?x-own?Q?J=C3=BCrgen?= <user@example.com>");
    expect_from("full_name_encoding_charset =\n", "J\xc3\xbcrgen", "J\xc3\xbcrgen <user@example.com>");
    expect_from(obsolete, "Q. (Name)", "user@example.com (Q. (Name))");
    expect_from(obsolete, "half (", "user@example.com (half \\()");
    expect_from(obsolete, "half\\", "user@example.com (half\\\\)");
    expect_from(obsolete, "J\xc3\xbcrgen", "user@example.com (=?utf-8?Q?J=C3=BCrgen?=)");
    expect_from(obsolete, "", "user@example.com");
}

TEST(a_header_with_too_many_addresses_keeps_the_rest_as_it_was)
{
    struct stage stage = stage_of("To: a, b, c, d\n\n");
    struct arena *arena = arena_create();

    stage.main_cf = with_cf(arena, "header_address_token_limit = 2\n").data;
    play(&stage);
    expect_contains(stage.text, "To: a@example.com, b@example.com, c, d\n");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_stray_cr_becomes_a_blank_where_that_is_wanted)
{
    struct stage blank = stage_of("Subject: x\n\na\rb\n");
    struct stage kept = stage_of("Subject: x\n\na\rb\n");
    struct arena *arena = arena_create();

    play(&blank);
    expect_contains(blank.text, "\n\na b\n");
    kept.main_cf = with_cf(arena, "cleanup_replace_stray_cr_lf = no\n").data;
    play(&kept);
    expect_contains(kept.text, "\n\na\rb\n");
    arena_destroy(&arena);
    strike(&blank);
    strike(&kept);
}

TEST(a_stray_cr_is_a_blank_for_checks_too)
{
    struct stage stage = stage_of("Subject: x\n\na\rb\n");
    struct arena *arena = arena_create();

    stage.main_cf = with_cf(arena, "body_checks = inline:{ {a b = REPLACE seen} }\n").data;
    play(&stage);
    expect_contains(stage.text, "\n\nseen\n");
    arena_destroy(&arena);
    strike(&stage);
}

TEST(a_part_declares_the_encoding_for_the_message)
{
    struct stage declared =
        stage_of("Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Transfer-Encoding: 8bit\n\nx\n");
    struct stage not_declared =
        stage_of("Content-Type: multipart/mixed; boundary=A\n\n--A\nContent-Transfer-Encoding: x\n\n\xfc\n");

    play(&declared);
    EXPECT((declared.envelope.flags & ENVELOPE_BODY_8BIT) != 0);
    play(&not_declared);
    EXPECT((not_declared.envelope.flags & ENVELOPE_BODY_8BIT) == 0);
    strike(&declared);
    strike(&not_declared);
}

TEST(mime_headers_declare_the_encoding_unless_they_are_not_looked_at)
{
    struct stage looked = stage_of("Content-Transfer-Encoding: 8bit\n\nx\n");
    struct stage blind = stage_of("Content-Transfer-Encoding: 8bit\n\nx\n");
    struct arena *arena = arena_create();

    play(&looked);
    EXPECT((looked.envelope.flags & ENVELOPE_BODY_8BIT) != 0);
    blind.main_cf = with_cf(arena, "detect_8bit_encoding_header = no\n").data;
    play(&blind);
    EXPECT((blind.envelope.flags & ENVELOPE_BODY_8BIT) == 0);
    arena_destroy(&arena);
    strike(&looked);
    strike(&blind);
}
