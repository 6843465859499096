/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_record.h"

#include "base/strbuf.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>

enum { RECORD_MAXIMUM = 1 << 30 };

static bool append(struct import_record *record, struct str text, struct failure *why)
{
    return file_write(record->fd, record->path, text, why) && file_sync(record->fd, record->path, why);
}

static bool cut(const struct import_record *record, struct failure *why)
{
    return file_truncate(record->fd, record->path, record->size_bytes, why) && file_sync(record->fd, record->path, why);
}

static void learn(struct import_record *record, struct str line)
{
    size_t space = str_find_last_char(line, ' ');

    if (space != STR_NOT_FOUND)
        (void) map_set(record->known, str_part(line, 0, space), record);
}

/* A crash may have cut the last line short. */
static bool read_lines(struct import_record *record, struct str text, import_record_look *look, void *context,
                       struct failure *why)
{
    struct str rest = text, line = STR_EMPTY, last = STR_EMPTY;

    for (; str_contains_char(rest, '\n'); last = line) {
        learn(record, last);
        (void) str_cut(rest, '\n', &line, &rest);
    }
    record->size_bytes = text.len - rest.len;
    line = str_from(last, str_find_last_char(last, ' ') + 1);
    if (last.len == 0 || str_equal(last, STR("end")) || look(context, line))
        learn(record, last);
    else
        record->size_bytes -= last.len + 1;
    return record->size_bytes == text.len || cut(record, why);
}

bool import_record_open(struct import_record *record, const char *path, import_record_look *look, void *context,
                        struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;

    *record = (struct import_record){ .fd = -1, .path = path, .known = map_create() };
    strbuf_init(&text, RECORD_MAXIMUM);
    return file_open(path, O_RDWR | O_CREAT | O_APPEND, 0600, &record->fd, why) &&
           file_load_fd(record->fd, path, &text, why) && read_lines(record, strbuf_str(&text), look, context, why);
}

bool import_record_has(const struct import_record *record, struct str there)
{
    return map_get(record->known, there) != NULL;
}

bool import_record_note(struct import_record *record, const char *there, const char *here, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    strbuf_printf(&line, "%s %s\n", there, here);
    record->noted_bytes = line.len;
    return append(record, strbuf_str(&line), why);
}

void import_record_keep(struct import_record *record)
{
    record->size_bytes += record->noted_bytes;
    record->noted_bytes = 0;
}

bool import_record_cancel(struct import_record *record, struct failure *why)
{
    bool was_noted = record->noted_bytes > 0;

    record->noted_bytes = 0;
    return !was_noted || cut(record, why);
}

bool import_record_finish(struct import_record *record, struct failure *why)
{
    bool is_done = record->size_bytes == 0 || append(record, STR("end\n"), why);

    import_record_close(record);
    return is_done;
}

void import_record_close(struct import_record *record)
{
    map_destroy(&record->known);
    fd_close(&record->fd);
}
