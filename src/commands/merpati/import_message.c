/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_message.h"

#include "mail/verp.h"
#include "merpati/import_envelope.h"
#include "merpati/import_postcat.h"
#include "merpati/import_record.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "spool/maildrop_copy.h"
#include "spool/queue_file_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENVELOPE_TEXT_MAXIMUM = 256 << 20, HEADER_MAXIMUM = 1 << 20, BLOCK = 64 * 1024, NOTE_DEPTH = 3, TICKS = 8192 };

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

/* By one moment: raising may take longer than what it gives. */
static bool next_id(struct import_messages *messages, struct queue_id *id_out, struct failure *why)
{
    const struct instant now = clock_now();
    uint64_t tick = queue_id_tick_at(now);

    if (queue_id_next(&messages->ids, now, id_out))
        return true;
    if (tick < messages->ids.last_tick)
        tick = messages->ids.last_tick;
    if (!id_reserve_raise(&messages->reserve, tick + TICKS, why))
        return false;
    messages->ids.ceiling = tick + TICKS;
    return queue_id_next(&messages->ids, now, id_out) || failure_set(why, FAILURE_RETRY, 0, "no queue id");
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
                       struct envelope *envelope, struct import_reading *reading, struct failure *why)
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
    is_written = import_postcat_end(reading, is_written ? why : &ignored) && is_written &&
                 queue_file_finish(writer, envelope, clock_now(), why) && queue_file_sync(writer, why);
    queue_file_close(&writer);
    if (!is_written)
        (void) !spool_remove(place, &ignored);
    return is_written && sync_folder(messages, queue, envelope->id, why);
}

static bool note_id(const struct import_messages *messages, struct queue_id id, struct import_name *names,
                    struct failure *why)
{
    (void) queue_id_format(id, names->here);
    return import_record_note(messages->record, names->there, names->here, why);
}

static bool store(struct import_messages *messages, const char *path, enum spool_queue queue, struct envelope *envelope,
                  struct import_name *names, struct failure *why)
{
    const struct layout_identity *identity = &messages->identity;
    struct failure ignored;
    struct import_reading reading;
    bool is_written;

    if (!import_postcat_begin(messages->source, "-bh", path, &reading, why))
        return false;
    is_written = (!identity->is_root || privilege_borrow(identity->mail_uid, identity->mail_gid, why)) &&
                 next_id(messages, &envelope->id, why) && note_id(messages, envelope->id, names, why) &&
                 write_file(messages, path, queue, envelope, &reading, why);
    if (reading.fd >= 0)
        (void) !import_postcat_end(&reading, &ignored);
    return (!identity->is_root || privilege_restore(is_written ? why : &ignored)) && is_written;
}

/* ---- submitted mail ---- */

static bool copy_to_maildrop(int fd, const char *path, struct maildrop_writer *writer, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    char *block = arena_new_array(arena, BLOCK, char);
    size_t count;

    do {
        if (!file_read(fd, path, block, BLOCK, &count, why) ||
            !maildrop_write_content(writer, str_make(block, count), why))
            return false;
    } while (count > 0);
    return true;
}

/* With the rights of who submitted it: pickup believes the file's owner. */
static bool write_maildrop(const struct import_messages *messages, const char *path,
                           const struct maildrop_message *message, struct import_reading *reading,
                           struct import_name *names, struct failure *why)
{
    struct maildrop_writer *writer;
    struct failure ignored;
    bool is_written;

    if (!maildrop_create(&writer, why))
        return false;
    (void) snprintf(names->here, sizeof names->here, "%s", maildrop_writer_path(writer));
    is_written = import_record_note(messages->record, names->there, names->here, why) &&
                 maildrop_write_message(writer, message, why) && copy_to_maildrop(reading->fd, path, writer, why);
    is_written =
        import_postcat_end(reading, is_written ? why : &ignored) && is_written && maildrop_finish(&writer, why);
    maildrop_abandon(&writer);
    if (is_written) /* pickup takes it for the time of arrival */
        (void) !file_set_time_at(AT_FDCWD, names->here, message->arrival.us / 1000000, &ignored);
    return is_written;
}

/* A file of Postfix's own user is what its postsuper -r sends round again. */
static bool submit(const struct import_messages *messages, const char *path, const struct import_envelope *found,
                   struct import_name *names, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct layout_identity *identity = &messages->identity;
    struct maildrop_message message;
    struct import_reading reading;
    struct failure ignored;
    struct stat status;
    bool goes_round, is_done;

    if (!file_stat_link(path, &status, why))
        return false;
    goes_round = status.st_uid == messages->source->mail_uid;
    maildrop_describe(&found->envelope, arena, &message);
    message.uid = goes_round ? identity->mail_uid : status.st_uid;
    message.full_name = found->full_name;
    message.verp_delimiters = envelope_attribute(&found->envelope, STR(VERP_ATTRIBUTE));
    message.original_id = goes_round ? str_from_c(strrchr(path, '/') + 1) : STR_EMPTY;
    if (!import_postcat_begin(messages->source, "-bh", path, &reading, why))
        return false;
    is_done = (!identity->is_root || privilege_borrow(message.uid, identity->setgid_gid, why)) &&
              write_maildrop(messages, path, &message, &reading, names, why);
    if (reading.fd >= 0)
        (void) !import_postcat_end(&reading, &ignored);
    return (!identity->is_root || privilege_restore(is_done ? why : &ignored)) && is_done;
}

static void note_envelope(const struct import_messages *messages, const char *name, struct arena *arena,
                          struct envelope *envelope)
{
    struct str queue = messages->source->queue;

    read_notes(arena_printf(arena, "%.*s/defer", STR_ARG(queue)).data, name, NOTE_DEPTH, arena, envelope);
    read_notes(arena_printf(arena, "%.*s/bounce", STR_ARG(queue)).data, name, NOTE_DEPTH, arena, envelope);
}

enum import_result import_message(struct import_messages *messages, const char *path, enum import_kind kind,
                                  struct import_name *name_out, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(strbuf_done) struct strbuf text;
    const char *name = strrchr(path, '/') + 1;
    struct import_envelope found;
    struct import_name names = { .here = "" };
    bool is_taken;

    strbuf_init(&text, ENVELOPE_TEXT_MAXIMUM);
    if (!import_postcat_envelope(messages->source, path, &text, why) ||
        !import_envelope_parse(strbuf_str(&text), arena, &found, why))
        return IMPORT_LEFT;
    (void) snprintf(names.there, sizeof names.there, "%s %lld", name, (long long) found.envelope.arrival.us / 1000000);
    if (import_record_has(messages->record, str_from_c(names.there)))
        return IMPORT_KNOWN;
    note_envelope(messages, name, arena, &found.envelope);
    if (found.envelope.recipient_count == 0)
        return IMPORT_FINISHED;
    if (kind == IMPORT_SUBMITTED)
        is_taken = submit(messages, path, &found, &names, why);
    else
        is_taken =
            store(messages, path, kind == IMPORT_HELD ? SPOOL_HOLD : SPOOL_DEFERRED, &found.envelope, &names, why);
    *name_out = names;
    return is_taken ? IMPORT_TAKEN : IMPORT_LEFT;
}
