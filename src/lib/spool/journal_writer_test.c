/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "spool/journal_writer.h"
#include "spool/queue_file.h"
#include "spool/segment.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 256 * 1024 };

/* What the writer told, as qmgr would hear it. */
struct heard {
    struct journal_notice last;
    size_t notices;
    size_t closed;
    size_t files;
    bool is_failing;
};

static void hear_notice(void *context, const struct journal_notice *notice)
{
    struct heard *heard = context;

    heard->last = *notice;
    heard->notices++;
    heard->closed += notice->is_closed;
}

static void hear_file(void *context, struct queue_id id, bool is_held)
{
    struct heard *heard = context;

    (void) id;
    (void) is_held;
    heard->files++;
}

static void hear_alarm(void *context, bool is_failing, const char *text)
{
    struct heard *heard = context;

    (void) text;
    heard->is_failing = is_failing;
}

static struct journal_settings usual_settings(void)
{
    return (struct journal_settings){ .spool = spool_settings_make(STR("deferred, hold"), 1),
                                      .inline_limit = 65536,
                                      .segment_bytes = SEGMENT_BYTES,
                                      .limit_bytes = 4 * SEGMENT_BYTES,
                                      .reserve_bytes = SEGMENT_BYTES,
                                      .segment_age = seconds(30) };
}

/* A scenario runs in a fiber, in a fresh queue directory. */
struct scenario {
    struct loop *loop;
    struct journal_settings settings;
    struct heard heard;
    struct journal_writer *writer;
    void (*run)(struct scenario *scenario);
};

static void open_writer(struct scenario *scenario)
{
    const struct journal_events events = { hear_notice, hear_file, hear_alarm, &scenario->heard };
    struct failure why;
    bool is_open = journal_writer_open(scenario->loop, &scenario->settings, &events, &scenario->writer, &why);

    if (!is_open)
        printf("%s\n", why.text);
    EXPECT(is_open);
}

static void run_scenario(void *context)
{
    struct scenario *scenario = context;

    open_writer(scenario);
    scenario->run(scenario);
    journal_writer_close(&scenario->writer);
}

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

static void play(void (*run)(struct scenario *scenario), const struct journal_settings *settings)
{
    struct scenario scenario = { .loop = loop_create(), .settings = *settings, .run = run };

    enter_fresh_queue();
    fiber_run(scenario.loop, run_scenario, &scenario);
    loop_destroy(&scenario.loop);
}

static bool send_sized(struct scenario *scenario, size_t size, unsigned flags, struct queue_id *id_out,
                       struct failure *why)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .arrival = clock_now(), .sender = STR("a@example.com"), .flags = flags };
    char *content = arena_alloc(arena, size);
    bool is_durable;

    memset(content, 'x', size);
    envelope_add_recipient(&envelope, arena, STR("b@example.test"), STR_EMPTY, STR_EMPTY, 0);
    is_durable = journal_writer_new_id(scenario->writer, &envelope.id, why) &&
                 journal_writer_accept(scenario->writer, &envelope, str_make(content, size), why);
    *id_out = envelope.id;
    arena_destroy(&arena);
    return is_durable;
}

static bool is_sent(struct scenario *scenario, size_t size, unsigned flags)
{
    struct queue_id id;
    struct failure why;

    return send_sized(scenario, size, flags, &id, &why);
}

/* ---- what recovery would find ---- */

struct found {
    struct queue_id ids[4000];
    size_t count;
    size_t damaged;
};

static bool find_frame(void *context, const struct frame *frame, struct str payload)
{
    struct found *found = context;
    struct arena *arena = arena_create();
    struct envelope envelope;
    struct failure why;
    struct str encoded;
    struct str content;

    EXPECT(segment_message(payload, &encoded, &content));
    EXPECT(envelope_decode(encoded, arena, &envelope, &why));
    EXPECT_UINT(envelope.id.value, frame->id.value);
    EXPECT_UINT(envelope.content_size, content.len);
    found->ids[found->count++] = frame->id;
    arena_destroy(&arena);
    return true;
}

static void find_damage(void *context, uint64_t from, uint64_t to)
{
    struct found *found = context;

    EXPECT(from < to);
    found->damaged++;
}

static uint64_t read_segment(unsigned number, uint64_t to, struct found *found)
{
    struct segment_scan scan = { .frame = find_frame, .damage = find_damage, .context = found };
    struct segment_header header;
    struct failure why;
    struct seal seal;
    char *bytes;
    size_t count;
    uint64_t end;
    int fd;

    EXPECT(segment_open(number, &fd, &why));
    EXPECT(segment_read_header(fd, number, &header, &why));
    segment_seal(&header, &seal);
    scan.seal = &seal;
    if (to > header.size)
        to = header.size;
    bytes = memory_alloc((size_t) to);
    EXPECT(file_read_at(fd, "segment", bytes, (size_t) to, 0, &count, &why));
    end = segment_scan(&scan, str_from(str_make(bytes, count), SEGMENT_STEP), SEGMENT_STEP);
    memory_free(bytes);
    fd_close(&fd);
    return end;
}

static bool was_found(const struct found *found, struct queue_id id)
{
    for (size_t i = 0; i < found->count; i++) {
        if (queue_id_equal(found->ids[i], id))
            return true;
    }
    return false;
}

/* ---- scenarios ---- */

static void one_message(struct scenario *scenario)
{
    struct found *found = memory_alloc(sizeof(*found));
    struct queue_id id;
    struct failure why;

    EXPECT(send_sized(scenario, 1000, 0, &id, &why));
    EXPECT_UINT(scenario->heard.notices, 1);
    EXPECT_UINT(scenario->heard.last.offset, 2 * SEGMENT_STEP);
    EXPECT_UINT(read_segment(scenario->heard.last.segment, scenario->heard.last.offset, found),
                scenario->heard.last.offset);
    EXPECT_UINT(found->count, 1);
    EXPECT(was_found(found, id));
    memory_free(found);
}

TEST(an_accepted_message_stands_below_the_durable_offset)
{
    struct journal_settings settings = usual_settings();

    play(one_message, &settings);
}

/* Many fibers at once share syncs. */
static atomic_size_t syncs;

static int count_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    if (event->operation == FAULT_SYNC)
        syncs++;
    return 0;
}

struct sender {
    struct scenario *scenario;
    size_t *durable;
};

static void send_one(void *context)
{
    struct sender *sender = context;

    *sender->durable += is_sent(sender->scenario, 2000, 0);
}

static void send_together(struct scenario *scenario, size_t count, size_t *durable)
{
    struct sender sender = { scenario, durable };
    struct fiber_group group;
    struct failure why;

    fiber_group_init(&group, scenario->loop);
    for (size_t i = 0; i < count; i++)
        fiber_group_start(&group, send_one, &sender);
    EXPECT(fiber_group_wait(&group, seconds(60), &why));
}

static void group_commit(struct scenario *scenario)
{
    struct found *found = memory_alloc(sizeof(*found));
    size_t durable = 0;

    EXPECT(is_sent(scenario, 10, 0));
    syncs = 0;
    fault_set_hook(count_syncs, NULL);
    send_together(scenario, 50, &durable);
    fault_set_hook(NULL, NULL);
    EXPECT_UINT(durable, 50);
    EXPECT(syncs <= 4);
    read_segment(scenario->heard.last.segment, scenario->heard.last.offset, found);
    EXPECT_UINT(found->count, 51);
    EXPECT_UINT(found->damaged, 0);
    memory_free(found);
}

TEST(messages_that_arrive_together_share_a_sync)
{
    struct journal_settings settings = usual_settings();

    play(group_commit, &settings);
}

static void turn_over(struct scenario *scenario)
{
    for (int i = 0; i < 20; i++)
        EXPECT(is_sent(scenario, 20000, 0));
    EXPECT(scenario->heard.closed >= 1);
    EXPECT(scenario->heard.last.segment == 2);
}

TEST(a_full_segment_is_left_for_the_next)
{
    struct journal_settings settings = usual_settings();

    play(turn_over, &settings);
}

static void fill_up(struct scenario *scenario)
{
    struct failure why;
    struct queue_id id;
    int accepted = 0;

    while (send_sized(scenario, 60000, 0, &id, &why))
        CHECK(++accepted < 1000);
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    /* Three segments of four groups each are the clients'. */
    EXPECT_INT(accepted, 3 * 4);
    EXPECT_FALSE(journal_writer_may_accept(scenario->writer, false, &why));
    EXPECT(is_sent(scenario, 60000, ENVELOPE_INSIDE));
    while (send_sized(scenario, 60000, ENVELOPE_INSIDE, &id, &why))
        CHECK(++accepted < 1000);
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
}

TEST(at_the_limit_clients_are_refused_and_inside_mail_has_a_reserve)
{
    struct journal_settings settings = usual_settings();

    play(fill_up, &settings);
}

/* The queue manager frees a segment: header free, lock taken and given. */
static void free_segment(unsigned number)
{
    struct segment_header header;
    struct failure why;
    int fd;

    EXPECT(segment_open(number, &fd, &why));
    EXPECT(lock_try(fd, "segment", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &why));
    EXPECT(segment_read_header(fd, number, &header, &why));
    header.is_live = false;
    EXPECT(segment_write_header(fd, &header, false, &why));
    fd_close(&fd);
}

static void use_again(struct scenario *scenario)
{
    struct found *found = memory_alloc(sizeof(*found));
    struct queue_id old;
    struct queue_id new;
    struct failure why;

    EXPECT(send_sized(scenario, 1000, 0, &old, &why));
    for (int i = 0; i < 8; i++)
        EXPECT(is_sent(scenario, 60000, 0));
    EXPECT(scenario->heard.last.segment != 1);
    free_segment(1);
    while (scenario->heard.last.segment != 1)
        EXPECT(send_sized(scenario, 60000, 0, &new, &why));
    read_segment(1, UINT64_MAX, found);
    EXPECT_UINT(found->count, 1);
    EXPECT(was_found(found, new));
    EXPECT_FALSE(was_found(found, old));
    memory_free(found);
}

TEST(nothing_of_an_earlier_use_is_found_in_a_segment_used_again)
{
    struct journal_settings settings = usual_settings();

    play(use_again, &settings);
}

/* ---- failures ---- */

static int fail_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC ? EIO : 0;
}

static _Atomic int sync_countdown;

static int fail_one_sync(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC && --sync_countdown == 0 ? EIO : 0;
}

static void failed_sync(struct scenario *scenario)
{
    struct found *found = memory_alloc(sizeof(*found));
    struct queue_id good;
    struct queue_id bad;
    struct queue_id next;
    struct failure why;
    unsigned segment;
    uint64_t offset;

    EXPECT(send_sized(scenario, 1000, 0, &good, &why));
    segment = scenario->heard.last.segment;
    offset = scenario->heard.last.offset;
    sync_countdown = 1;
    fault_set_hook(fail_one_sync, NULL);
    EXPECT_FALSE(send_sized(scenario, 1000, 0, &bad, &why));
    fault_set_hook(NULL, NULL);
    EXPECT(scenario->heard.last.is_closed);
    EXPECT_UINT(scenario->heard.last.segment, segment);
    EXPECT_UINT(scenario->heard.last.offset, offset);
    EXPECT(send_sized(scenario, 1000, 0, &next, &why));
    EXPECT(scenario->heard.last.segment != segment);
    read_segment(segment, UINT64_MAX, found);
    EXPECT_UINT(found->count, 1);
    EXPECT(was_found(found, good));
    EXPECT_FALSE(was_found(found, bad));
    memory_free(found);
}

TEST(after_a_failed_sync_the_frames_are_voided_and_the_segment_is_left)
{
    struct journal_settings settings = usual_settings();

    play(failed_sync, &settings);
}

static void three_failures(struct scenario *scenario)
{
    struct failure why;

    EXPECT(is_sent(scenario, 100, 0));
    fault_set_hook(fail_syncs, NULL);
    for (int i = 0; i < 3; i++) {
        EXPECT_FALSE(is_sent(scenario, 100, 0));
        /* A segment that cannot even be begun counts no failure: give it one that can. */
        fault_set_hook(NULL, NULL);
        if (i < 2)
            EXPECT(is_sent(scenario, 100, 0));
        fault_set_hook(fail_syncs, NULL);
    }
    EXPECT(scenario->heard.is_failing);
    fault_set_hook(NULL, NULL);
    EXPECT_FALSE(journal_writer_may_accept(scenario->writer, true, &why));
    EXPECT_INT(why.kind, FAILURE_RETRY);
}

TEST(three_failures_in_a_minute_stop_the_accepting)
{
    struct journal_settings settings = usual_settings();

    settings.limit_bytes = 10 * SEGMENT_BYTES;
    play(three_failures, &settings);
}

static int fail_writes_with_no_space(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_WRITE ? ENOSPC : 0;
}

static void full_disk(struct scenario *scenario)
{
    struct queue_id id;
    struct failure why;

    EXPECT(is_sent(scenario, 100, 0));
    fault_set_hook(fail_writes_with_no_space, NULL);
    EXPECT_FALSE(send_sized(scenario, 200000, 0, &id, &why));
    fault_set_hook(NULL, NULL);
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    EXPECT(is_sent(scenario, 100, 0));
}

TEST(a_full_disk_is_told_from_a_broken_one)
{
    struct journal_settings settings = usual_settings();

    play(full_disk, &settings);
}

/* ---- large and held messages ---- */

static bool file_is_complete(enum spool_queue wanted, struct queue_id id, const struct spool_settings *settings)
{
    struct queue_file_content content;
    struct arena *arena = arena_create();
    struct envelope envelope;
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    struct failure why;
    bool is_complete = false;
    int fd;

    if (spool_find(settings, id, &queue, path, &why) && queue == wanted &&
        queue_file_open(path, arena, &envelope, &content, &fd, &why)) {
        is_complete = queue_file_verify_content(fd, &content, &why) && queue_id_equal(envelope.id, id);
        fd_close(&fd);
    }
    arena_destroy(&arena);
    return is_complete;
}

static void large_message(struct scenario *scenario)
{
    struct queue_id id;
    struct failure why;

    EXPECT(send_sized(scenario, 300000, 0, &id, &why));
    EXPECT_UINT(scenario->heard.files, 1);
    EXPECT(file_is_complete(SPOOL_INCOMING, id, &scenario->settings.spool));
    EXPECT(send_sized(scenario, 300, ENVELOPE_HOLD, &id, &why));
    EXPECT(file_is_complete(SPOOL_HOLD, id, &scenario->settings.spool));
    EXPECT_UINT(scenario->heard.files, 2);
}

TEST(large_and_held_messages_are_complete_files)
{
    struct journal_settings settings = usual_settings();

    play(large_message, &settings);
}

static void abandoned_file(struct scenario *scenario)
{
    struct journal_file *file;
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    struct queue_id id;
    struct failure why;

    EXPECT(journal_writer_new_id(scenario->writer, &id, &why));
    EXPECT(journal_file_begin(scenario->writer, id, &file, &why));
    EXPECT(journal_file_write(file, STR("Subject: never mind\n"), &why));
    EXPECT(spool_find(&scenario->settings.spool, id, &queue, path, &why));
    journal_file_abandon(&file);
    EXPECT(file == NULL);
    EXPECT_FALSE(spool_find(&scenario->settings.spool, id, &queue, path, &why));
    EXPECT_INT(why.kind, FAILURE_NONE);
}

TEST(an_abandoned_file_leaves_nothing)
{
    struct journal_settings settings = usual_settings();

    play(abandoned_file, &settings);
}

/* Both have the same id: what replaces a message that came takes its name. */
static void scratch_file(struct scenario *scenario)
{
    struct envelope envelope = { .sender = STR("a@example.com") };
    struct journal_file *scratch, *file;
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    struct strbuf text;
    struct failure why;

    strbuf_init(&text, STRBUF_UNLIMITED);
    EXPECT(journal_writer_new_id(scenario->writer, &envelope.id, &why));
    EXPECT(journal_file_begin(scenario->writer, envelope.id, &scratch, &why));
    EXPECT(journal_file_write(scratch, STR("Subject: old\n"), &why));
    EXPECT(journal_file_unname(scratch, &why));
    EXPECT_FALSE(spool_find(&scenario->settings.spool, envelope.id, &queue, path, &why));
    EXPECT(journal_file_write(scratch, STR("\nbody\n"), &why));
    EXPECT(journal_file_begin(scenario->writer, envelope.id, &file, &why));
    EXPECT(journal_file_read(scratch, 9, 8, &text, &why));
    EXPECT_STR(strbuf_str(&text), STR("old\n\nbod"));
    EXPECT(journal_file_read(scratch, 17, 100, &text, &why));
    EXPECT_STR(strbuf_str(&text), STR("old\n\nbody\n"));
    EXPECT(journal_file_read(scratch, 19, 100, &text, &why));
    EXPECT_UINT(text.len, 10);
    EXPECT(journal_file_write(file, strbuf_str(&text), &why));
    journal_file_abandon(&scratch);
    EXPECT(spool_find(&scenario->settings.spool, envelope.id, &queue, path, &why));
    EXPECT(journal_file_finish(&file, &envelope, &why));
    EXPECT(file_is_complete(SPOOL_INCOMING, envelope.id, &scenario->settings.spool));
    strbuf_done(&text);
}

TEST(a_file_without_a_name_can_be_read_and_replaced)
{
    struct journal_settings settings = usual_settings();

    play(scratch_file, &settings);
}

static void large_fails(struct scenario *scenario)
{
    struct journal_file *file;
    struct envelope envelope = { .sender = STR("a@example.com") };
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    struct failure why;

    EXPECT(journal_writer_new_id(scenario->writer, &envelope.id, &why));
    EXPECT(journal_file_begin(scenario->writer, envelope.id, &file, &why));
    fault_set_hook(fail_syncs, NULL);
    EXPECT_FALSE(journal_file_finish(&file, &envelope, &why));
    fault_set_hook(NULL, NULL);
    EXPECT(file == NULL);
    EXPECT_FALSE(spool_find(&scenario->settings.spool, envelope.id, &queue, path, &why));
}

TEST(a_large_message_whose_sync_fails_is_not_there)
{
    struct journal_settings settings = usual_settings();

    play(large_fails, &settings);
}

static unsigned failures_of_unlink;

/* The nth sync fails, and the unlinks behind it do, too. */
static int fail_sync_and_unlinks(const struct fault_event *event, void *context)
{
    (void) context;
    if (event->operation == FAULT_SYNC && --sync_countdown == 0)
        return EIO;
    if (event->operation != FAULT_UNLINK || sync_countdown > 0)
        return 0;
    failures_of_unlink++;
    return EIO;
}

/* True when it is refused. A message in a folder is one that can be opened. */
static bool is_refused_cleanly(struct scenario *scenario, fault_hook *hook, int step)
{
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    struct queue_id id;
    struct failure why;
    bool was_sent;

    sync_countdown = step;
    fault_set_hook(hook, NULL);
    was_sent = send_sized(scenario, 200000, ENVELOPE_HOLD, &id, &why);
    fault_set_hook(NULL, NULL);
    EXPECT(was_sent == file_is_complete(SPOOL_HOLD, id, &scenario->settings.spool));
    EXPECT(was_sent || !file_is_complete(SPOOL_INCOMING, id, &scenario->settings.spool));
    if (hook == fail_one_sync)
        EXPECT(was_sent == spool_find(&scenario->settings.spool, id, &queue, path, &why));
    return !was_sent;
}

static void refuse_at_each_sync(struct scenario *scenario, fault_hook *hook)
{
    int step = 1;

    /* Three failures in a minute would stop the accepting. */
    while (is_refused_cleanly(scenario, hook, step)) {
        step++;
        journal_writer_close(&scenario->writer);
        open_writer(scenario);
    }
    /* The file, the folder it came to, the folder it left. */
    EXPECT(step > 3);
}

static void held_fails(struct scenario *scenario)
{
    refuse_at_each_sync(scenario, fail_one_sync);
}

static void held_fails_and_stays(struct scenario *scenario)
{
    refuse_at_each_sync(scenario, fail_sync_and_unlinks);
    EXPECT(failures_of_unlink > 0);
}

TEST(a_large_message_that_cannot_be_held_is_refused_and_is_not_there)
{
    struct journal_settings settings = usual_settings();

    play(held_fails, &settings);
}

TEST(a_refused_message_whose_file_cannot_be_removed_is_no_message_any_more)
{
    struct journal_settings settings = usual_settings();

    play(held_fails_and_stays, &settings);
}

/* ---- ids over restarts ---- */

static void restart(struct scenario *scenario)
{
    struct queue_id first;
    struct queue_id second;
    struct failure why;

    EXPECT(journal_writer_new_id(scenario->writer, &first, &why));
    journal_writer_close(&scenario->writer);
    open_writer(scenario);
    EXPECT(journal_writer_new_id(scenario->writer, &second, &why));
    EXPECT_UINT(queue_id_writer(first), queue_id_writer(second));
    EXPECT(queue_id_tick(second) > queue_id_tick(first));
}

TEST(ids_go_on_after_a_restart)
{
    struct journal_settings settings = usual_settings();

    play(restart, &settings);
}

static void two_writers(struct scenario *scenario)
{
    struct journal_writer *first = scenario->writer;
    struct queue_id a;
    struct queue_id b;
    struct failure why;

    EXPECT(send_sized(scenario, 100, 0, &a, &why));
    open_writer(scenario);
    EXPECT(send_sized(scenario, 100, 0, &b, &why));
    EXPECT(queue_id_writer(a) != queue_id_writer(b));
    EXPECT_UINT(scenario->heard.last.segment, 2);
    journal_writer_close(&scenario->writer);
    scenario->writer = first;
}

TEST(two_writers_have_segments_of_their_own)
{
    struct journal_settings settings = usual_settings();

    play(two_writers, &settings);
}

/* As the queue manager, which looks at each segment that is new to it. */
static void look_at_second(const struct fault_event *event, int error, void *context)
{
    int *fd = context;
    struct failure why;

    if (error == 0 && *fd < 0 && event->path2 != NULL && strcmp(event->path2, "journal/segment-002") == 0)
        EXPECT(segment_open(2, fd, &why) && lock_try(*fd, "segment", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &why));
}

static void looked_at(struct scenario *scenario)
{
    struct journal_writer *first = scenario->writer;
    struct failure why;
    struct queue_id id;
    int fd = -1;

    EXPECT(send_sized(scenario, 100, 0, &id, &why));
    fault_set_listener(look_at_second, &fd);
    open_writer(scenario);
    EXPECT(send_sized(scenario, 100, 0, &id, &why));
    fault_set_listener(NULL, NULL);
    EXPECT(fd >= 0);
    EXPECT_UINT(scenario->heard.last.segment, 3);
    fd_close(&fd);
    journal_writer_close(&scenario->writer);
    scenario->writer = first;
}

TEST(a_new_segment_that_somebody_looks_at_just_then_is_left_for_another)
{
    struct journal_settings settings = usual_settings();

    play(looked_at, &settings);
}

static void wrong_settings(struct scenario *scenario)
{
    const struct journal_events events = { 0 };
    struct journal_settings settings = scenario->settings;
    struct journal_writer *writer;
    struct failure why;

    settings.limit_bytes = settings.segment_bytes;
    EXPECT_FALSE(journal_writer_open(scenario->loop, &settings, &events, &writer, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
}

TEST(a_limit_too_small_for_two_segments_is_refused)
{
    struct journal_settings settings = usual_settings();

    play(wrong_settings, &settings);
}

static int fail_writer_file(const struct fault_event *event, void *context)
{
    (void) context;
    return event->operation == FAULT_SYNC && strncmp(event->path, "journal/writer-", 15) == 0 ? EIO : 0;
}

static void use_up_ids(struct scenario *scenario)
{
    struct queue_id id;
    struct failure why;
    unsigned given = 0;

    fault_set_hook(fail_writer_file, NULL);
    while (journal_writer_new_id(scenario->writer, &id, &why))
        given++;
    fault_set_hook(NULL, NULL);
    EXPECT(given > 1000);
    EXPECT_INT(why.kind, FAILURE_RETRY);
    EXPECT(journal_writer_new_id(scenario->writer, &id, &why));
}

TEST(no_id_is_given_beyond_the_ceiling_that_is_on_disk)
{
    struct journal_settings settings = usual_settings();

    play(use_up_ids, &settings);
}

static void free_segments(void)
{
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    struct segment_header header;
    struct failure why;
    size_t count;
    int fd;

    EXPECT(segment_list(numbers, &count, &why));
    for (size_t i = 0; i < count; i++) {
        EXPECT(segment_open(numbers[i], &fd, &why));
        EXPECT(segment_read_header(fd, numbers[i], &header, &why));
        header.is_live = false;
        EXPECT(segment_write_header(fd, &header, false, &why));
        fd_close(&fd);
    }
}

static void wait_for_room(struct scenario *scenario)
{
    struct instant end = instant_add(clock_monotonic(), seconds(20));
    struct failure why;

    while (is_sent(scenario, 60000, 0))
        continue;
    EXPECT_FALSE(journal_writer_may_accept(scenario->writer, false, &why));
    EXPECT_INT(why.kind, FAILURE_NO_SPACE);
    free_segments();
    while (!journal_writer_may_accept(scenario->writer, false, &why) && instant_is_before(clock_monotonic(), end))
        fiber_sleep(scenario->loop, milliseconds(20));
    EXPECT(journal_writer_may_accept(scenario->writer, false, &why));
    EXPECT(is_sent(scenario, 100, 0));
}

TEST(at_the_limit_room_is_looked_for_again)
{
    struct journal_settings settings = usual_settings();

    play(wait_for_room, &settings);
}

static void repeat_notice(struct scenario *scenario)
{
    struct journal_notice notice;

    EXPECT_UINT(journal_writer_notices(scenario->writer, &notice, 1), 0);
    EXPECT(is_sent(scenario, 100, 0));
    EXPECT_UINT(journal_writer_notices(scenario->writer, &notice, 0), 0);
    EXPECT_UINT(journal_writer_notices(scenario->writer, &notice, 1), 1);
    EXPECT_UINT(notice.segment, scenario->heard.last.segment);
    EXPECT_UINT(notice.use, scenario->heard.last.use);
    EXPECT_UINT(notice.offset, scenario->heard.last.offset);
}

TEST(the_last_notice_can_be_repeated)
{
    struct journal_settings settings = usual_settings();

    play(repeat_notice, &settings);
}

static void open_too_small(void *context)
{
    struct scenario *scenario = context;
    const struct journal_events events = { .context = &scenario->heard };
    struct failure why;

    EXPECT_FALSE(journal_writer_open(scenario->loop, &scenario->settings, &events, &scenario->writer, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    scenario->settings = usual_settings();
    fault_set_hook(fail_writer_file, NULL);
    EXPECT_FALSE(journal_writer_open(scenario->loop, &scenario->settings, &events, &scenario->writer, &why));
    fault_set_hook(NULL, NULL);
    EXPECT_INT(why.error, EIO);
}

TEST(a_writer_that_cannot_work_does_not_open)
{
    struct scenario scenario = { .loop = loop_create(), .settings = usual_settings() };

    scenario.settings.limit_bytes = SEGMENT_BYTES;
    enter_fresh_queue();
    fiber_run(scenario.loop, open_too_small, &scenario);
    loop_destroy(&scenario.loop);
}
