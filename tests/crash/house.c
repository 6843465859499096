/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/live_segments.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "spool/maildrop_file.h"

#include <fcntl.h>
#include <stdio.h>

enum { QUIET_TURNS = 12, TURNS_MAXIMUM = 20000, SEGMENT_BYTES = 64 * 1024, INLINE_BYTES = 8192 };

void house_complain(struct house *house, const char *format, ...)
{
    va_list args;

    if (house->complaint[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(house->complaint, sizeof(house->complaint), format, args);
    va_end(args);
}

/* ---- opening ---- */

static void hear_notice(void *context, const struct journal_notice *notice)
{
    struct house *house = context;

    if (house->keeper != NULL)
        live_segments_notice(house->keeper, notice->segment, notice->use, notice->offset);
}

struct file_notice {
    struct house *house;
    struct queue_id id;
};

static void take_up_file(void *context)
{
    struct file_notice *notice = context;

    (void) walker_take_up(notice->house->keeper, notice->id);
    event_wake_all(&notice->house->keeper->work);
    notice->house->keeper->finishing--;
    memory_free(notice);
}

static void hear_file(void *context, struct queue_id id, bool is_held)
{
    struct house *house = context;
    struct file_notice *notice;

    (void) is_held;
    if (house->keeper == NULL)
        return;
    notice = memory_alloc(sizeof(*notice));
    notice->house = house;
    notice->id = id;
    house->keeper->finishing++;
    fiber_start(house->loop, take_up_file, notice);
}

void house_open_writer(struct house *house)
{
    const struct journal_settings settings = { .spool = house->spool,
                                               .inline_limit = INLINE_BYTES,
                                               .segment_bytes = SEGMENT_BYTES,
                                               .limit_bytes = (uint64_t) 8 * SEGMENT_BYTES,
                                               .reserve_bytes = SEGMENT_BYTES,
                                               .segment_age = seconds(30) };
    const struct journal_events events = { .notice = hear_notice, .file = hear_file, .context = house };
    struct failure why;

    if (!journal_writer_open(house->loop, &settings, &events, &house->writer, &why))
        house_complain(house, "the journal's writer does not start: %s", why.text);
}

static bool has_recovered(const struct house *house)
{
    return house->keeper->is_recovered && house->keeper->walk_number > 0;
}

static bool is_idle(const struct house *house)
{
    const struct keeper *keeper = house->keeper;

    return !keeper->is_walking && !keeper->is_looking_for_segments && keeper->loaders == 0 && keeper->moving == 0 &&
           keeper->finishing == 0 && (keeper->active_count == 0 || house->keeps_in_hand) &&
           (house->keeps_in_hand || (queue_index_first_ready(keeper->index, false) == NULL &&
                                     queue_index_first_ready(keeper->index, true) == NULL));
}

void house_settle(struct house *house)
{
    unsigned quiet = 0;

    for (unsigned turn = 0; quiet < QUIET_TURNS; turn++) {
        fiber_yield(house->loop);
        quiet = house->keeper == NULL || is_idle(house) ? quiet + 1 : 0;
        if (turn == TURNS_MAXIMUM) {
            house_complain(house, "the system does not come to rest");
            return;
        }
    }
}

void house_open(struct house *house)
{
    unsigned turns = 0;
    struct failure why;

    event_init(&house->let_go);
    CHECK(spool_make_folders(&why));
    house->daemon = house_daemon_create(house);
    house_daemon_start(house->daemon);
    while (!has_recovered(house) && ++turns < TURNS_MAXIMUM)
        fiber_yield(house->loop);
    if (!has_recovered(house))
        house_complain(house, "the queue manager does not recover");
    house_open_writer(house);
    house_settle(house);
}

void house_close_writer(struct house *house)
{
    journal_writer_close(&house->writer);
}

void house_tick(struct house *house)
{
    house_settle(house);
    live_segments_tick(house->keeper);
    house_settle(house);
}

static void close_writer(void *context)
{
    house_close_writer(context);
}

/* Cleanup is told to stop at the same time, and ends when it has told all. */
void house_stop(struct house *house)
{
    fiber_start(house->loop, close_writer, house);
    house->keeps_in_hand = false;
    event_wake_all(&house->let_go);
    house_daemon_stop(house->daemon);
    while (house->writer != NULL)
        fiber_yield(house->loop);
    house->keeper = NULL;
    trace_mark(house->trace, MARK_STOPPED, 0, 0);
}

void house_let_go(struct house *house)
{
    house->keeps_in_hand = false;
    event_wake_all(&house->let_go);
}

/* ---- mail ---- */

static void fill_envelope(const struct house *house, unsigned message, unsigned flags, struct arena *arena,
                          struct envelope *envelope)
{
    envelope->arrival = clock_now();
    envelope->sender = arena_printf(arena, "%u@example.com", message);
    envelope->flags = flags;
    for (unsigned i = 0; i < house->book->messages[message].recipients; i++)
        (void) envelope_add_recipient(envelope, arena, arena_printf(arena, "%u@example.net", i), STR_EMPTY, STR_EMPTY,
                                      0);
}

/* Ids only ever rise, whatever the clock says. Those count that were given before the cut: the trace has no others. */
static void note_id(struct house *house, unsigned message, struct queue_id id)
{
    struct trace_op *op;

    for (size_t i = 0; i < house->trace->count; i++) {
        const struct mark *mark = &house->trace->ops[i].mark;
        struct queue_id earlier = { mark->id };

        if (house->trace->ops[i].kind == TRACE_MARK && mark->kind == MARK_ID &&
            queue_id_writer(earlier) == queue_id_writer(id) && queue_id_tick(earlier) >= queue_id_tick(id))
            house_complain(house, "queue ids come again: that of message %u was higher", mark->message);
    }
    op = trace_add(house->trace, TRACE_MARK);
    op->mark = (struct mark){ .kind = MARK_ID, .message = message, .id = id.value };
    house->book->ids[message] = id;
}

static bool accept_content(struct house *house, unsigned message, struct envelope *envelope, struct str content)
{
    struct failure why;
    bool is_accepted = journal_writer_new_id(house->writer, &envelope->id, &why);

    if (is_accepted)
        note_id(house, message, envelope->id);
    is_accepted = is_accepted && journal_writer_accept(house->writer, envelope, content, &why);
    trace_mark(house->trace, is_accepted ? MARK_ACCEPTED : MARK_REFUSED, message, 0);
    return is_accepted;
}

bool house_accept(struct house *house, unsigned message, unsigned flags)
{
    struct arena *arena = arena_create();
    struct envelope *envelope = arena_new(arena, struct envelope);
    struct strbuf content;
    bool is_accepted;

    strbuf_init(&content, STRBUF_UNLIMITED);
    book_write(house->book, message, &content);
    fill_envelope(house, message, flags, arena, envelope);
    /* From the first: what was never acknowledged is not delivered unreleased either. */
    if ((flags & ENVELOPE_HOLD) != 0)
        trace_mark(house->trace, MARK_HELD, message, 0);
    is_accepted = accept_content(house, message, envelope, strbuf_str(&content));
    strbuf_done(&content);
    arena_destroy(&arena);
    return is_accepted;
}

struct acceptance {
    struct house *house;
    unsigned message;
};

static void accept_one(void *context)
{
    const struct acceptance *acceptance = context;

    (void) house_accept(acceptance->house, acceptance->message, 0);
}

void house_accept_all(struct house *house, const unsigned *messages, size_t count)
{
    struct acceptance *acceptances = memory_alloc_array(count, sizeof(*acceptances));
    struct fiber_group group;
    struct failure why;

    fiber_group_init(&group, house->loop);
    for (size_t i = 0; i < count; i++) {
        acceptances[i] = (struct acceptance){ house, messages[i] };
        fiber_group_start(&group, accept_one, &acceptances[i]);
    }
    CHECK(fiber_group_wait(&group, DURATION_FOREVER, &why));
    memory_free(acceptances);
}

/* ---- the administrator ---- */

static const struct {
    enum queue_operation operation;
    enum mark_kind asked;
    enum mark_kind done;
} operation_marks[] = {
    { QUEUE_DELETE, MARK_DELETE_ASKED, MARK_DELETED },
    { QUEUE_HOLD, MARK_HOLD_ASKED, MARK_HELD },
    { QUEUE_RELEASE, MARK_RELEASE_ASKED, MARK_RELEASE_ASKED },
};

static void mark_operation(struct house *house, enum queue_operation operation, const unsigned *messages, size_t count,
                           bool is_done)
{
    for (size_t i = 0; i < ARRAY_COUNT(operation_marks); i++) {
        if (operation_marks[i].operation != operation)
            continue;
        for (size_t m = 0; m < count; m++)
            trace_mark(house->trace, is_done ? operation_marks[i].done : operation_marks[i].asked, messages[m], 0);
    }
}

uint64_t house_control(struct house *house, enum queue_operation operation, const unsigned *messages, size_t count)
{
    struct arena *arena = arena_create();
    struct queue_control request = { .operation = operation, .is_all = messages == NULL };
    uint64_t acted;

    for (size_t i = 0; i < count; i++) {
        char text[QUEUE_ID_TEXT_SIZE];

        strlist_add(&request.queue_ids, arena, queue_id_format(house->book->ids[messages[i]], text));
    }
    mark_operation(house, operation, messages, count, false);
    acted = house_daemon_control(house->daemon, &request);
    if (messages != NULL && acted == count)
        mark_operation(house, operation, messages, count, true);
    arena_destroy(&arena);
    return acted;
}

void house_flush(struct house *house)
{
    (void) house_control(house, QUEUE_FLUSH, NULL, 0);
    house_settle(house);
}

/* ---- maildrop ---- */

void house_submit(struct house *house, unsigned message)
{
    struct arena *arena = arena_create();
    struct maildrop_message wishes = { .arrival = clock_now() };
    struct maildrop_writer *writer;
    struct strbuf content;
    struct failure why;

    house->book->messages[message].may_double = true;
    strbuf_init(&content, STRBUF_UNLIMITED);
    book_write(house->book, message, &content);
    wishes.sender = arena_printf(arena, "%u@example.com", message);
    for (unsigned i = 0; i < house->book->messages[message].recipients; i++)
        strlist_add(&wishes.recipients, arena, arena_printf(arena, "%u@example.net", i));
    CHECK(maildrop_create(&writer, &why) && maildrop_write_message(writer, &wishes, &why) &&
          maildrop_write_content(writer, strbuf_str(&content), &why) && maildrop_finish(&writer, &why));
    trace_mark(house->trace, MARK_SUBMITTED, message, 0);
    strbuf_done(&content);
    arena_destroy(&arena);
}

static void pick_up_content(struct house *house, const struct maildrop_message *wishes, struct str content,
                            struct arena *arena, const char *path)
{
    struct envelope *envelope = arena_new(arena, struct envelope);
    struct failure why;
    unsigned message;

    if (!book_recognise(house->book, content, &message)) {
        house_complain(house, "%s is picked up with a content that nobody sent", path);
        return;
    }
    fill_envelope(house, message, ENVELOPE_INSIDE, arena, envelope);
    envelope->recipient_count = 0;
    for (size_t i = 0; i < wishes->recipients.count; i++)
        (void) envelope_add_recipient(envelope, arena, wishes->recipients.items[i], STR_EMPTY, STR_EMPTY, 0);
    if (accept_content(house, message, envelope, content))
        CHECK(file_unlink(path, &why));
}

static void pick_up(struct house *house, const char *path)
{
    struct arena *arena = arena_create();
    struct maildrop_message wishes;
    uint64_t offset, length;
    struct failure why;
    size_t count;
    char *room;
    int fd = -1;

    if (maildrop_open(path, arena, &wishes, &fd, &offset, &length, &why)) {
        room = arena_alloc(arena, (size_t) length + 1);
        CHECK(file_read_at(fd, path, room, (size_t) length, offset, &count, &why));
        pick_up_content(house, &wishes, str_make(room, count), arena, path);
    } else {
        /* Its mode came through and its bytes did not. The real pickup saves it in corrupt/. */
        CHECK(why.kind == FAILURE_PERMANENT && file_unlink(path, &why));
    }
    fd_close(&fd);
    arena_destroy(&arena);
}

void house_pick_up(struct house *house)
{
    struct directory *directory;
    struct strlist paths = { 0 };
    struct arena *arena = arena_create();
    struct failure why;
    unsigned char type;
    const char *name;

    CHECK(directory_open(AT_FDCWD, "maildrop", &directory, &why));
    while (directory_next(directory, &name, &type)) {
        struct str path = arena_printf(arena, "maildrop/%s", name);
        struct stat status;

        if (file_stat(path.data, &status, &why) && (status.st_mode & S_IXUSR) != 0)
            strlist_add(&paths, arena, path);
    }
    CHECK(directory_close(&directory, &why));
    for (size_t i = 0; i < paths.count; i++)
        pick_up(house, paths.items[i].data);
    arena_destroy(&arena);
}
