/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_message.h"

#include "merpati/import_envelope.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/process.h"
#include "spool/queue_file_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVELOPE_TEXT_MAXIMUM = 256 << 20, HEADER_MAXIMUM = 1 << 20, BLOCK = 64 * 1024, NOTE_DEPTH = 3, TICKS = 8192 };

/* ---- Postfix's postcat ---- */

struct reading {
    int fd;
    pid_t pid;
};

static bool begin_reading(const struct import_messages *messages, const char *what, const char *path,
                          struct reading *reading, struct failure *why)
{
    struct arena *arena = messages->instance->arena;
    char *arguments[] = {
        arena_c(arena, STR("postcat")),   arena_c(arena, STR("-c")),        arena_c(arena, messages->source->directory),
        arena_c(arena, str_from_c(what)), arena_c(arena, str_from_c(path)), NULL
    };
    char *environment[] = { arena_c(arena, STR("TZ=UTC")), arena_c(arena, STR("LC_ALL=C")),
                            arena_c(arena, STR("PATH=/usr/sbin:/usr/bin:/sbin:/bin")), NULL };
    CLEANUP(fd_close) int theirs = -1;
    int ends[2];
    bool is_started;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return failure_system(why, errno, "make a pipe");
    theirs = ends[1];
    reading->fd = ends[0];
    const struct process_fd fds[] = { { theirs, STDOUT_FILENO }, { STDERR_FILENO, STDERR_FILENO } };
    const struct process_start start = { .path = messages->source->postcat,
                                         .arguments = arguments,
                                         .environment = environment,
                                         .fds = fds,
                                         .fd_count = ARRAY_COUNT(fds) };

    is_started = process_start(&start, &reading->pid, why);
    if (!is_started)
        fd_close(&reading->fd);
    return is_started;
}

static bool end_reading(struct reading *reading, struct failure *why)
{
    int status;

    fd_close(&reading->fd);
    return process_wait(reading->pid, &status, why) &&
           ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
            failure_set(why, FAILURE_PERMANENT, 0, "postcat could not read it to its end"));
}

static bool read_envelope(const struct import_messages *messages, const char *path, struct strbuf *text,
                          struct failure *why)
{
    struct reading reading;
    struct failure ignored;
    bool is_read;

    if (!begin_reading(messages, "-e", path, &reading, why))
        return false;
    is_read = file_load_fd(reading.fd, path, text, why);
    return end_reading(&reading, is_read ? why : &ignored) && is_read;
}

/* ---- what is known of deferred and failed recipients ---- */

static void read_notes(const char *folder, const char *name, unsigned depth, struct arena *arena,
                       struct envelope *envelope)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    CLEANUP(strbuf_done) struct strbuf text;
    struct failure ignored;
    unsigned char type;
    const char *entry;

    strbuf_init(&text, ENVELOPE_TEXT_MAXIMUM);
    if (file_load(arena_printf(arena, "%s/%s", folder, name).data, &text, &ignored))
        import_envelope_note(strbuf_str(&text), arena, envelope);
    if (depth == 0 || !directory_open(AT_FDCWD, folder, &directory, &ignored))
        return;
    while (directory_next(directory, &entry, &type)) {
        if (type == DT_DIR && spool_is_hash_folder(entry))
            read_notes(arena_printf(arena, "%s/%s", folder, entry).data, name, depth - 1, arena, envelope);
    }
}

/* ---- the queue file ---- */

bool import_messages_begin(struct import_messages *messages, const struct instance *instance,
                           const struct layout_identity *identity, struct failure *why)
{
    const struct shared_settings *shared = instance->shared;

    messages->instance = instance;
    messages->identity = *identity;
    messages->spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth);
    if (identity->is_root && !privilege_borrow(identity->mail_uid, identity->mail_gid, why))
        return false;
    messages->is_open = spool_make_folders(why) && id_reserve_open(&messages->reserve, why);
    if (identity->is_root && !privilege_restore(why))
        return false;
    messages->ids = (struct queue_id_source){ .last_tick = messages->reserve.ceiling,
                                              .ceiling = messages->reserve.ceiling,
                                              .writer = messages->reserve.writer,
                                              .is_long = shared->enable_long_queue_ids };
    return messages->is_open;
}

void import_messages_end(struct import_messages *messages)
{
    if (messages->is_open)
        id_reserve_close(&messages->reserve);
    messages->is_open = false;
}

static bool next_id(struct import_messages *messages, struct queue_id *id_out, struct failure *why)
{
    uint64_t tick = queue_id_tick_at(clock_now());

    if (queue_id_next(&messages->ids, clock_now(), id_out))
        return true;
    if (tick < messages->ids.last_tick)
        tick = messages->ids.last_tick;
    if (!id_reserve_raise(&messages->reserve, tick + TICKS, why))
        return false;
    messages->ids.ceiling = tick + TICKS;
    return queue_id_next(&messages->ids, clock_now(), id_out) || failure_set(why, FAILURE_RETRY, 0, "no queue id");
}

/* Message-Id and the number of Received lines. */
static void look_at_header(struct str header, struct arena *arena, struct envelope *envelope)
{
    struct str line, name, value;

    while (header.len > 0) {
        (void) str_cut(header, '\n', &line, &header);
        if (line.len == 0)
            return;
        if (!str_cut(line, ':', &name, &value))
            continue;
        if (str_equal_nocase(name, STR("Received")))
            envelope->hop_count++;
        else if (str_equal_nocase(name, STR("Message-Id")))
            envelope->message_id = arena_str(arena, str_trim(value));
    }
}

static bool copy_content(int fd, const char *path, struct queue_file_writer *writer, struct arena *arena,
                         struct envelope *envelope, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf header;
    char *block = arena_new_array(arena, BLOCK, char);
    size_t count;

    strbuf_init(&header, HEADER_MAXIMUM);
    do {
        if (!file_read(fd, path, block, BLOCK, &count, why) || !queue_file_write(writer, str_make(block, count), why))
            return false;
        envelope->content_size += count;
        envelope->content_lines += str_count_char(str_make(block, count), '\n');
        (void) strbuf_append_bytes(&header, block, count);
    } while (count > 0);
    look_at_header(strbuf_str(&header), arena, envelope);
    return true;
}

static bool sync_folder(const struct import_messages *messages, enum spool_queue queue, struct queue_id id,
                        struct failure *why)
{
    char folder[SPOOL_PATH_SIZE];

    spool_folder(&messages->spool, queue, id, folder);
    return file_sync_directory(folder, why);
}

/* With the rights of the queue's owner. */
static bool write_file(struct import_messages *messages, const char *path, enum spool_queue queue,
                       struct envelope *envelope, struct reading *reading, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct queue_file_writer *writer;
    char place[SPOOL_PATH_SIZE];
    struct failure ignored;
    bool is_written;

    spool_path(&messages->spool, queue, envelope->id, place);
    if (!spool_make_folder(&messages->spool, queue, envelope->id, why) ||
        !queue_file_create(place, envelope->id, &writer, why))
        return false;
    is_written = copy_content(reading->fd, path, writer, arena, envelope, why);
    is_written = end_reading(reading, is_written ? why : &ignored) && is_written &&
                 queue_file_finish(writer, envelope, clock_now(), why) && queue_file_sync(writer, why);
    queue_file_close(&writer);
    if (!is_written)
        (void) !spool_remove(place, &ignored);
    return is_written && sync_folder(messages, queue, envelope->id, why);
}

static bool store(struct import_messages *messages, const char *path, enum spool_queue queue, struct envelope *envelope,
                  struct failure *why)
{
    const struct layout_identity *identity = &messages->identity;
    struct failure ignored;
    struct reading reading;
    bool is_written;

    if (!begin_reading(messages, "-bh", path, &reading, why))
        return false;
    is_written = (!identity->is_root || privilege_borrow(identity->mail_uid, identity->mail_gid, why)) &&
                 next_id(messages, &envelope->id, why) && write_file(messages, path, queue, envelope, &reading, why);
    if (reading.fd >= 0)
        (void) !end_reading(&reading, &ignored);
    return (!identity->is_root || privilege_restore(is_written ? why : &ignored)) && is_written;
}

/* ---- submitted mail ---- */

static bool submit(const struct import_messages *messages, const char *path, const struct envelope *envelope,
                   struct failure *why)
{
    struct arena *arena = messages->instance->arena;
    char **arguments = arena_new_array(arena, envelope->recipient_count + 8, char *);
    struct reading reading;
    struct failure ignored;
    size_t count = 0;
    bool is_done;
    pid_t pid;
    int status;

    arguments[count++] = arena_c(arena, STR("sendmail"));
    arguments[count++] = arena_c(arena, STR("-C"));
    arguments[count++] = arena_c(arena, messages->instance->directory);
    arguments[count++] = arena_c(arena, STR("-i"));
    arguments[count++] = arena_c(arena, STR("-f"));
    arguments[count++] = arena_c(arena, envelope->sender);
    arguments[count++] = arena_c(arena, STR("--"));
    for (size_t i = 0; i < envelope->recipient_count; i++)
        arguments[count++] = arena_c(arena, envelope->recipients[i].address);
    if (!begin_reading(messages, "-bh", path, &reading, why))
        return false;
    const struct process_fd fds[] = { { reading.fd, STDIN_FILENO }, { STDERR_FILENO, STDERR_FILENO } };
    const struct process_start start = { .path = instance_command(messages->instance, "sendmail"),
                                         .arguments = arguments,
                                         .fds = fds,
                                         .fd_count = ARRAY_COUNT(fds) };

    is_done = process_start(&start, &pid, why) && process_wait(pid, &status, why) &&
              ((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
               failure_set(why, FAILURE_PERMANENT, 0, "sendmail did not take it"));
    return end_reading(&reading, is_done ? why : &ignored) && is_done;
}

enum import_result import_message(struct import_messages *messages, const char *path, enum import_kind kind,
                                  char id_out[QUEUE_ID_TEXT_SIZE], struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(strbuf_done) struct strbuf text;
    const char *name = strrchr(path, '/') + 1;
    struct str queue = messages->source->queue;
    struct envelope envelope;
    bool is_taken;

    strbuf_init(&text, ENVELOPE_TEXT_MAXIMUM);
    if (!read_envelope(messages, path, &text, why) || !import_envelope_parse(strbuf_str(&text), arena, &envelope, why))
        return IMPORT_LEFT;
    read_notes(arena_printf(arena, "%.*s/defer", STR_ARG(queue)).data, name, NOTE_DEPTH, arena, &envelope);
    read_notes(arena_printf(arena, "%.*s/bounce", STR_ARG(queue)).data, name, NOTE_DEPTH, arena, &envelope);
    if (envelope.recipient_count == 0)
        return IMPORT_FINISHED;
    if (kind == IMPORT_SUBMITTED) {
        id_out[0] = '\0';
        return submit(messages, path, &envelope, why) ? IMPORT_TAKEN : IMPORT_LEFT;
    }
    is_taken = store(messages, path, kind == IMPORT_HELD ? SPOOL_HOLD : SPOOL_DEFERRED, &envelope, why);
    if (is_taken)
        (void) queue_id_format(envelope.id, id_out);
    return is_taken ? IMPORT_TAKEN : IMPORT_LEFT;
}
