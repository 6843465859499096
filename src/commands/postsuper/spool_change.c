/* SPDX-License-Identifier: Apache-2.0 */
#include "postsuper/spool_change.h"

#include "base/memory.h"
#include "os/directory.h"
#include "os/file.h"
#include "spool/journal_look.h"
#include "spool/maildrop_copy.h"
#include "spool/queue_file.h"
#include "spool/queue_file_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { PURGE_AGE_SECONDS = 24 * 3600 };

/* Where the operation takes mail from, and where to. */
struct rule {
    enum queue_operation operation;
    unsigned from; /* 1 << enum spool_queue */
    enum spool_queue to;
};

static const struct rule rules[] = {
    { QUEUE_DELETE, 1 << SPOOL_INCOMING | 1 << SPOOL_ACTIVE | 1 << SPOOL_DEFERRED | 1 << SPOOL_HOLD, SPOOL_CORRUPT },
    { QUEUE_HOLD, 1 << SPOOL_INCOMING | 1 << SPOOL_ACTIVE | 1 << SPOOL_DEFERRED, SPOOL_HOLD },
    { QUEUE_RELEASE, 1 << SPOOL_HOLD, SPOOL_DEFERRED },
    { QUEUE_EXPIRE, 1 << SPOOL_INCOMING | 1 << SPOOL_ACTIVE | 1 << SPOOL_DEFERRED | 1 << SPOOL_HOLD, SPOOL_DEFERRED },
    { QUEUE_REQUEUE, 1 << SPOOL_INCOMING | 1 << SPOOL_ACTIVE | 1 << SPOOL_DEFERRED | 1 << SPOOL_HOLD, SPOOL_DEFERRED },
};

static const struct rule *rule_of(enum queue_operation operation)
{
    size_t i;

    for (i = 0; i < ARRAY_COUNT(rules); i++)
        if (rules[i].operation == operation)
            return &rules[i];
    return NULL;
}

static void tell(const struct spool_change *change, struct queue_id id)
{
    char text[QUEUE_ID_TEXT_SIZE];

    change->changed(change->context, queue_id_format(id, text));
}

static bool sync_folder_of(const char *path, struct failure *why)
{
    struct str folder = str_part(str_from_c(path), 0, str_find_last_char(str_from_c(path), '/'));
    char text[SPOOL_PATH_SIZE];

    snprintf(text, sizeof text, "%.*s", STR_ARG(folder));
    return file_sync_directory(text, why);
}

/* A crash may have left the frame of a message that stands in a file: without the file it would come back. */
struct strike {
    struct queue_id id;
    struct failure *why;
    bool is_failed;
};

static bool strike_frame(void *context, const struct journal_message *message)
{
    struct strike *strike = context;

    if (!queue_id_equal(message->envelope->id, strike->id))
        return true;
    strike->is_failed = !journal_strike_out(message, true, SPOOL_CORRUPT, strike->why);
    return !strike->is_failed;
}

/* The ids of all live frames, ascending. */
struct frames {
    uint64_t *ids;
    size_t count;
    size_t capacity;
};

static bool collect_frame(void *context, const struct journal_message *message)
{
    struct frames *frames = context;

    if (frames->count == frames->capacity) {
        frames->capacity = frames->capacity == 0 ? 256 : frames->capacity * 2;
        frames->ids = memory_resize(frames->ids, frames->capacity * sizeof *frames->ids);
    }
    frames->ids[frames->count++] = message->envelope->id.value;
    return true;
}

static int compare_ids(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

static bool collect_frames(struct frames *frames, struct failure *why)
{
    if (!journal_look(collect_frame, frames, why))
        return false;
    if (frames->count > 1)
        qsort(frames->ids, frames->count, sizeof *frames->ids, compare_ids);
    return true;
}

/* frames NULL: not looked for yet. */
static bool strike_frame_of(struct queue_id id, const struct frames *frames, struct failure *why)
{
    struct strike strike = { .id = id, .why = why };

    if (frames != NULL && (frames->count == 0 ||
                           bsearch(&id.value, frames->ids, frames->count, sizeof *frames->ids, compare_ids) == NULL))
        return true;
    return journal_look(strike_frame, &strike, why) && !strike.is_failed;
}

/* Before files go: what a ledger says of their frames is durable. */
static bool prepare(const struct rule *rule, struct failure *why)
{
    return (rule->operation != QUEUE_DELETE && rule->operation != QUEUE_REQUEUE) || journal_settle(why);
}

/* Where it stands, and without another time for its next attempt. */
static bool expire_file(const char *path, struct failure *why)
{
    struct stat status;

    return file_stat(path, &status, why) &&
           queue_file_append(path, NULL, 0, ENVELOPE_FORCE_EXPIRED, instant_from_seconds(status.st_mtime), true, why);
}

/* Nothing is done to what has been expired before, and it is not told of. */
static bool is_expired(const char *path)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure ignored;
    bool is_expired = queue_file_open(path, arena, &envelope, &content, NULL, &ignored) &&
                      (envelope.flags & ENVELOPE_FORCE_EXPIRED) != 0;

    arena_destroy(&arena);
    return is_expired;
}

/* Mail that is let go again is due at once; requeued mail is submitted anew. */
static bool change_file(const struct spool_change *change, const struct rule *rule, struct queue_id id,
                        enum spool_queue queue, const char *path, const struct frames *frames, struct failure *why)
{
    if ((rule->from & 1u << queue) == 0)
        return true;
    if (rule->operation == QUEUE_REQUEUE && !maildrop_copy_message(path, why))
        return false;
    if (rule->operation == QUEUE_DELETE || rule->operation == QUEUE_REQUEUE) {
        if (!strike_frame_of(id, frames, why) || !spool_remove(path, why) || !sync_folder_of(path, why))
            return false;
    } else if (rule->operation == QUEUE_EXPIRE) {
        if (is_expired(path))
            return true;
        if (!expire_file(path, why))
            return false;
    } else {
        if (rule->operation != QUEUE_HOLD && !file_set_time_at(AT_FDCWD, path, instant_seconds(clock_now()), why))
            return false;
        if (queue != rule->to && !spool_move(&change->spool, id, path, rule->to, true, why))
            return false;
    }
    tell(change, id);
    return true;
}

struct journal_work {
    const struct spool_change *change;
    const struct rule *rule;
    struct queue_id only; /* none: all */
    struct failure *why;
    bool is_failed;
};

/* The message gets a file of its own in the queue it goes to. */
static bool write_file(const struct spool_change *change, const struct journal_message *message,
                       const struct rule *rule, struct failure *why)
{
    struct envelope envelope = *message->envelope;
    struct queue_file_writer *writer;
    enum spool_queue to = rule->to;
    char path[SPOOL_PATH_SIZE];
    bool is_good;

    if (rule->operation == QUEUE_EXPIRE)
        envelope.flags |= ENVELOPE_FORCE_EXPIRED;
    spool_path(&change->spool, to, message->envelope->id, path);
    if (!spool_make_folder(&change->spool, to, message->envelope->id, why) ||
        !queue_file_create(path, message->envelope->id, &writer, why))
        return false;
    is_good = queue_file_write(writer, message->content, why) &&
              queue_file_finish(writer, &envelope, clock_now(), why) && queue_file_sync(writer, why);
    queue_file_close(&writer);
    return is_good && sync_folder_of(path, why);
}

/* A requeued frame has just become a file in deferred/. */
static bool requeue_file_made(struct journal_work *work, const struct journal_message *message)
{
    char path[SPOOL_PATH_SIZE];

    if (work->rule->operation != QUEUE_REQUEUE)
        return true;
    spool_path(&work->change->spool, work->rule->to, message->envelope->id, path);
    return maildrop_copy_message(path, work->why) && spool_remove(path, work->why) && sync_folder_of(path, work->why);
}

static bool change_frame(void *context, const struct journal_message *message)
{
    struct journal_work *work = context;
    const struct spool_change *change = work->change;
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    bool is_delete = work->rule->operation == QUEUE_DELETE;

    if (!queue_id_is_none(work->only) && !queue_id_equal(work->only, message->envelope->id))
        return true;
    if ((work->rule->from & 1u << SPOOL_INCOMING) == 0)
        return true;
    /* A file outranks its frame and has been changed already. */
    if (spool_find(&change->spool, message->envelope->id, &queue, path, work->why))
        return true;
    if (!is_delete && !write_file(change, message, work->rule, work->why)) {
        work->is_failed = true;
        return false;
    }
    if (!journal_strike_out(message, is_delete, work->rule->to, work->why) || !requeue_file_made(work, message)) {
        work->is_failed = true;
        return false;
    }
    tell(change, message->envelope->id);
    return true;
}

static bool change_frames(const struct spool_change *change, const struct rule *rule, struct queue_id only,
                          struct failure *why)
{
    struct journal_work work = { .change = change, .rule = rule, .only = only, .why = why };

    return journal_look(change_frame, &work, why) && !work.is_failed;
}

bool spool_change_one(const struct spool_change *change, struct str queue_id, struct failure *why)
{
    const struct rule *rule = rule_of(change->operation);
    enum spool_queue queue;
    struct queue_id id;
    char path[SPOOL_PATH_SIZE];

    if (rule == NULL || !queue_id_parse(queue_id, &id))
        return true;
    if (!prepare(rule, why))
        return false;
    if (spool_find(&change->spool, id, &queue, path, why))
        return change_file(change, rule, id, queue, path, NULL, why);
    if (why->kind != FAILURE_NONE)
        return false;
    return change_frames(change, rule, id, why);
}

/* The walk only collects: what moves while a folder is read might be seen twice. */
struct collection {
    struct strlist paths;
    struct arena *arena;
};

static bool collect(void *context, const struct spool_entry *entry)
{
    struct collection *collection = context;

    strlist_add(&collection->paths, collection->arena, str_from_c(entry->path));
    return true;
}

static bool id_of_path(struct str path, struct queue_id *id_out)
{
    return queue_id_parse(str_from(path, str_find_last_char(path, '/') + 1), id_out);
}

static bool change_files(const struct spool_change *change, const struct rule *rule, enum spool_queue queue,
                         const struct frames *frames, struct failure *why)
{
    struct collection collection = { .arena = change->arena };
    size_t i;

    if (!spool_walk(queue, collect, &collection, NULL, why))
        return false;
    for (i = 0; i < collection.paths.count; i++) {
        struct str path = collection.paths.items[i];
        struct queue_id id;

        if (id_of_path(path, &id) && !change_file(change, rule, id, queue, path.data, frames, why))
            return false;
    }
    return true;
}

static bool change_queue(const struct spool_change *change, const struct rule *rule, enum spool_queue queue,
                         struct failure *why)
{
    struct frames frames = { 0 };
    bool is_good =
        prepare(rule, why) && collect_frames(&frames, why) && change_files(change, rule, queue, &frames, why);

    memory_free(frames.ids);
    return is_good;
}

bool spool_change_all(const struct spool_change *change, struct str queue_name, struct failure *why)
{
    const struct rule *rule = rule_of(change->operation);
    enum spool_queue only = SPOOL_QUEUE_COUNT;
    unsigned queue;

    if (rule == NULL || (queue_name.len > 0 && !spool_queue_parse(queue_name, &only)))
        return true;
    for (queue = 0; queue < SPOOL_QUEUE_COUNT; queue++)
        if ((rule->from & 1u << queue) != 0 && (only == SPOOL_QUEUE_COUNT || only == queue) &&
            !change_queue(change, rule, (enum spool_queue) queue, why))
            return false;
    if (only != SPOOL_QUEUE_COUNT && only != SPOOL_INCOMING)
        return true;
    return change_frames(change, rule, QUEUE_ID_NONE, why);
}

static bool remove_maildrop_file(const struct spool_change *change, const char *name, struct failure *why)
{
    char path[300];

    snprintf(path, sizeof path, "maildrop/%s", name);
    if (!spool_remove(path, why))
        return false;
    change->changed(change->context, str_from_c(name));
    return true;
}

bool spool_change_maildrop(const struct spool_change *change, struct str queue_id, struct failure *why)
{
    struct directory *directory;
    unsigned char type;
    const char *name;

    if (change->operation != QUEUE_DELETE)
        return true;
    if (!directory_open(AT_FDCWD, "maildrop", &directory, why))
        return false;
    while (directory_next(directory, &name, &type)) {
        if (queue_id.len > 0 && !str_equal(str_from_c(name), queue_id))
            continue;
        if (type == DT_DIR)
            continue;
        if (!remove_maildrop_file(change, name, why)) {
            directory_discard(&directory);
            return false;
        }
    }
    return directory_close(&directory, why) && file_sync_directory("maildrop", why);
}

bool spool_change_corrupt(const struct spool_change *change, struct failure *why)
{
    struct collection collection = { .arena = change->arena };
    size_t i;

    if (change->operation != QUEUE_DELETE)
        return true;
    if (!spool_walk(SPOOL_CORRUPT, collect, &collection, NULL, why))
        return false;
    for (i = 0; i < collection.paths.count; i++) {
        struct queue_id id;

        if (!spool_remove(collection.paths.items[i].data, why))
            return false;
        if (id_of_path(collection.paths.items[i], &id))
            tell(change, id);
    }
    return true;
}

static bool mend_queue(const struct spool_settings *spool, enum spool_queue queue, struct arena *arena,
                       struct failure *why)
{
    struct collection collection = { .arena = arena };
    size_t i;

    if (!spool_walk(queue, collect, &collection, NULL, why))
        return false;
    for (i = 0; i < collection.paths.count; i++) {
        struct str path = collection.paths.items[i];
        char right[SPOOL_PATH_SIZE];
        struct queue_id id;

        if (!id_of_path(path, &id))
            continue;
        spool_path(spool, queue, id, right);
        if (str_equal(path, str_from_c(right)) || spool_move(spool, id, path.data, queue, true, why))
            continue;
        /* Another file of that message stands where this one should. */
        if (why->error != EEXIST || !spool_set_aside(spool, id, path.data, why))
            return false;
    }
    return true;
}

bool spool_change_structure(const struct spool_settings *spool, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    unsigned queue;

    if (!spool_make_folders(why))
        return false;
    for (queue = 0; queue < SPOOL_QUEUE_COUNT; queue++)
        if (!mend_queue(spool, (enum spool_queue) queue, arena, why))
            return false;
    return true;
}

static bool is_abandoned(int directory, const char *name)
{
    struct stat status;

    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & S_IXUSR) == 0 && status.st_mtime < instant_seconds(clock_now()) - PURGE_AGE_SECONDS;
}

bool spool_change_purge(struct failure *why)
{
    struct directory *directory;
    unsigned char type;
    const char *name;

    if (!directory_open(AT_FDCWD, "maildrop", &directory, why))
        return false;
    while (directory_next(directory, &name, &type)) {
        char path[300];

        snprintf(path, sizeof path, "maildrop/%s", name);
        if (is_abandoned(directory_fd(directory), name) && !spool_remove(path, why)) {
            directory_discard(&directory);
            return false;
        }
    }
    return directory_close(&directory, why);
}
