/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/ledger.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/bytes.h"

#include <fcntl.h>
#include <stdatomic.h>

enum {
    LEDGER_VERSION = 1,
    AT_VERSION = 4,
    AT_SEGMENT = 8,
    AT_SALT = 16,
    AT_STARTED = 32,
    AT_SIZE = 40,
    AT_DIGEST = 56,
    RECORD_RECIPIENT = 4,
    RECORD_TYPE = 8,
    RECORD_DETAIL = 9,
    RECORD_SECONDS = 12,
    RECORD_ID = 16,
    RECORD_DIGEST = 24,
    BATCH = 64,
};

static const char magic[4] = { 'M', 'P', 'J', 'L' };
static const size_t largest_ledger = (size_t) 1 << 30;

struct ledger {
    int fd;
    struct segment_header segment;
    struct seal seal;
    char path[SEGMENT_PATH_SIZE];
    uint64_t end; /* where the next record goes */
    _Atomic uint64_t written;
    _Atomic uint64_t synced;
};

/* ---- records ---- */

static uint64_t record_digest(const unsigned char *bytes, uint64_t place, const struct seal *seal)
{
    unsigned char sealed[RECORD_DIGEST + 8];

    memcpy(sealed, bytes, RECORD_DIGEST);
    bytes_put_u64(sealed + RECORD_DIGEST, place);
    return seal_digest(seal, str_make((const char *) sealed, sizeof(sealed)));
}

void ledger_encode(const struct ledger_record *record, uint64_t place, const struct seal *seal,
                   unsigned char bytes[LEDGER_RECORD_SIZE])
{
    memset(bytes, 0, LEDGER_RECORD_SIZE);
    bytes_put_u32(bytes, (uint32_t) (record->frame_offset / FRAME_ALIGNMENT));
    bytes_put_u32(bytes + RECORD_RECIPIENT, record->recipient);
    bytes[RECORD_TYPE] = (unsigned char) record->type;
    bytes[RECORD_DETAIL] = (unsigned char) record->detail;
    bytes_put_u32(bytes + RECORD_SECONDS, (uint32_t) record->seconds);
    bytes_put_u64(bytes + RECORD_ID, record->id.value);
    bytes_put_u64(bytes + RECORD_DIGEST, record_digest(bytes, place, seal));
}

bool ledger_decode(const unsigned char bytes[LEDGER_RECORD_SIZE], uint64_t place, const struct seal *seal,
                   struct ledger_record *record_out)
{
    if (bytes[RECORD_TYPE] < LEDGER_DELIVERED || bytes[RECORD_TYPE] > LEDGER_DELETED ||
        bytes_get_u64(bytes + RECORD_DIGEST) != record_digest(bytes, place, seal))
        return false;
    *record_out = (struct ledger_record){ .frame_offset = (uint64_t) bytes_get_u32(bytes) * FRAME_ALIGNMENT,
                                          .recipient = bytes_get_u32(bytes + RECORD_RECIPIENT),
                                          .type = (enum ledger_type) bytes[RECORD_TYPE],
                                          .detail = bytes[RECORD_DETAIL],
                                          .seconds = bytes_get_u32(bytes + RECORD_SECONDS),
                                          .id = { bytes_get_u64(bytes + RECORD_ID) } };
    return true;
}

uint64_t ledger_scan(struct str bytes, const struct seal *seal, ledger_seen *seen, void *context)
{
    uint64_t end = LEDGER_HEADER_SIZE;

    for (uint64_t at = LEDGER_HEADER_SIZE; at + LEDGER_RECORD_SIZE <= bytes.len; at += LEDGER_RECORD_SIZE) {
        struct ledger_record record;

        if (!ledger_decode((const unsigned char *) bytes.data + at, at, seal, &record))
            continue;
        end = at + LEDGER_RECORD_SIZE;
        seen(context, &record);
    }
    return end;
}

/* ---- header ---- */

static void encode_header(const struct segment_header *segment, unsigned char bytes[LEDGER_HEADER_SIZE])
{
    memset(bytes, 0, LEDGER_HEADER_SIZE);
    memcpy(bytes, magic, sizeof(magic));
    bytes_put_u32(bytes + AT_VERSION, LEDGER_VERSION);
    bytes_put_u32(bytes + AT_SEGMENT, segment->number);
    memcpy(bytes + AT_SALT, segment->salt.bytes, SEAL_SALT_SIZE);
    bytes_put_u64(bytes + AT_STARTED, (uint64_t) segment->started.us);
    bytes_put_u64(bytes + AT_SIZE, segment->size);
    bytes_put_u64(bytes + AT_DIGEST, seal_header_digest(str_make((const char *) bytes, AT_DIGEST)));
}

static bool decode_header(struct str bytes, unsigned number, struct segment_header *header_out)
{
    const unsigned char *at = (const unsigned char *) bytes.data;

    if (bytes.len < LEDGER_HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0 ||
        bytes_get_u32(at + AT_VERSION) != LEDGER_VERSION || bytes_get_u32(at + AT_SEGMENT) != number ||
        bytes_get_u64(at + AT_DIGEST) != seal_header_digest(str_part(bytes, 0, AT_DIGEST)))
        return false;
    *header_out = (struct segment_header){ .number = number,
                                           .is_live = true,
                                           .size = bytes_get_u64(at + AT_SIZE),
                                           .started = { (int64_t) bytes_get_u64(at + AT_STARTED) } };
    memcpy(header_out->salt.bytes, at + AT_SALT, SEAL_SALT_SIZE);
    return true;
}

bool ledger_find_salt(unsigned number, struct segment_header *header_out, struct failure *why)
{
    char path[SEGMENT_PATH_SIZE];
    char bytes[LEDGER_HEADER_SIZE];
    size_t count;
    bool is_read;
    int fd;

    segment_ledger_path(number, path);
    if (!file_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd, why))
        return false;
    is_read = file_read_at(fd, path, bytes, sizeof(bytes), 0, &count, why);
    fd_close(&fd);
    if (!is_read)
        return false;
    if (!decode_header(str_make(bytes, count), number, header_out))
        return failure_set(why, FAILURE_PERMANENT, 0, "%s: no valid ledger header", path);
    return true;
}

/* ---- an open ledger ---- */

static bool begin_anew(struct ledger *ledger, struct failure *why)
{
    unsigned char header[LEDGER_HEADER_SIZE];

    encode_header(&ledger->segment, header);
    if (!file_write_at(ledger->fd, ledger->path, str_make((const char *) header, sizeof(header)), 0, why))
        return false;
    ledger->end = LEDGER_HEADER_SIZE;
    atomic_store(&ledger->written, ledger->end);
    return true;
}

static bool is_of_this_use(const struct ledger *ledger, struct str bytes)
{
    struct segment_header header;

    return decode_header(bytes, ledger->segment.number, &header) &&
           memcmp(header.salt.bytes, ledger->segment.salt.bytes, SEAL_SALT_SIZE) == 0;
}

static bool load(struct ledger *ledger, ledger_seen *seen, void *context, struct failure *why)
{
    struct strbuf bytes;
    bool is_loaded;

    if (!file_open(ledger->path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, &ledger->fd, why))
        return false;
    strbuf_init(&bytes, largest_ledger);
    is_loaded = file_load_fd(ledger->fd, ledger->path, &bytes, why);
    if (is_loaded && is_of_this_use(ledger, strbuf_str(&bytes))) {
        ledger->end = ledger_scan(strbuf_str(&bytes), &ledger->seal, seen, context);
        atomic_store(&ledger->written, ledger->end);
    } else if (is_loaded) {
        /* One that is empty may have been made just now. */
        is_loaded = begin_anew(ledger, why) && (bytes.len > 0 || file_sync_directory("journal", why));
    }
    strbuf_done(&bytes);
    return is_loaded;
}

bool ledger_open(const struct segment_header *segment, ledger_seen *seen, void *context, struct ledger **ledger_out,
                 struct failure *why)
{
    struct ledger *ledger = memory_alloc(sizeof(*ledger));

    ledger->segment = *segment;
    ledger->fd = -1;
    segment_ledger_path(segment->number, ledger->path);
    seal_init(&ledger->seal, &segment->salt, SEAL_CONTEXT_LEDGER + segment->number);
    if (!load(ledger, seen, context, why)) {
        ledger_close(&ledger);
        return false;
    }
    *ledger_out = ledger;
    return true;
}

void ledger_close(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    fd_close(&(*ledger)->fd);
    memory_free(*ledger);
    *ledger = NULL;
}

bool ledger_append(struct ledger *ledger, const struct ledger_record *records, size_t count, struct failure *why)
{
    unsigned char bytes[BATCH * LEDGER_RECORD_SIZE];

    while (count > 0) {
        size_t part = count < BATCH ? count : BATCH;
        size_t size = part * LEDGER_RECORD_SIZE;

        for (size_t i = 0; i < part; i++)
            ledger_encode(&records[i], ledger->end + i * LEDGER_RECORD_SIZE, &ledger->seal,
                          bytes + i * LEDGER_RECORD_SIZE);
        if (!file_write_at(ledger->fd, ledger->path, str_make((const char *) bytes, size), ledger->end, why))
            return false;
        ledger->end += size;
        atomic_store(&ledger->written, ledger->end);
        records += part;
        count -= part;
    }
    return true;
}

bool ledger_is_dirty(const struct ledger *ledger)
{
    return atomic_load(&ledger->synced) != atomic_load(&ledger->written);
}

/*
 * What a failed sync left in the page cache may be marked clean though it never reached the disk. Reading it back
 * and writing it again through a fresh descriptor makes it dirty once more.
 */
static bool write_again(const struct ledger *ledger, uint64_t end, struct failure *why)
{
    struct strbuf bytes;
    struct failure ignored;
    bool is_done = false;
    int fd;

    if (!file_open(ledger->path, O_RDWR | O_NOFOLLOW, 0, &fd, &ignored))
        return false;
    strbuf_init(&bytes, largest_ledger);
    if (file_load_fd(fd, ledger->path, &bytes, &ignored))
        is_done = file_write_at(fd, ledger->path, str_part(strbuf_str(&bytes), 0, (size_t) end), 0, why) &&
                  file_sync_data(fd, ledger->path, why);
    strbuf_done(&bytes);
    fd_close(&fd);
    return is_done;
}

bool ledger_sync(struct ledger *ledger, struct failure *why)
{
    uint64_t end = atomic_load(&ledger->written);

    if (atomic_load(&ledger->synced) == end)
        return true;
    if (!file_sync_data(ledger->fd, ledger->path, why) && !write_again(ledger, end, why))
        return false;
    atomic_store(&ledger->synced, end);
    return true;
}
