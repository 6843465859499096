/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/segment.h"

#include "base/memory.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEGMENT_VERSION = 1,
    HEADER_SIZE = 64,
    AT_VERSION = 4,
    AT_NUMBER = 8,
    AT_STATE = 12,
    AT_SALT = 16,
    AT_SIZE = 32,
    AT_STARTED = 40,
    AT_WRITER = 48,
    AT_DIGEST = 56,
    FILL_SIZE = 256 * 1024,
    LEDGER_SHARE = 32, /* a ledger begins with this part of its segment's size */
    NAME_DIGITS = 3,
};

static const char magic[4] = { 'M', 'P', 'J', 'S' };

void segment_path(unsigned number, char path[SEGMENT_PATH_SIZE])
{
    snprintf(path, SEGMENT_PATH_SIZE, "journal/segment-%03u", number);
}

void segment_ledger_path(unsigned number, char path[SEGMENT_PATH_SIZE])
{
    snprintf(path, SEGMENT_PATH_SIZE, "journal/ledger-%03u", number);
}

bool segment_number_of(const char *name, unsigned *number_out)
{
    struct str rest = str_from_c(name);
    uint64_t number;

    if (!str_starts_with(rest, STR("segment-")))
        return false;
    rest = str_from(rest, sizeof("segment-") - 1);
    if (rest.len != NAME_DIGITS || !str_to_uint64(rest, &number) || number == 0)
        return false;
    *number_out = (unsigned) number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const unsigned *first = a;
    const unsigned *second = b;

    return *first < *second ? -1 : *first > *second;
}

bool segment_list(unsigned *numbers_out, size_t *count_out, struct failure *why)
{
    struct directory *directory;
    const char *name;
    unsigned char type;
    size_t count = 0;

    if (!directory_open(AT_FDCWD, "journal", &directory, why))
        return false;
    while (count < SEGMENT_NUMBER_MAXIMUM && directory_next(directory, &name, &type)) {
        if (segment_number_of(name, &numbers_out[count]))
            count++;
    }
    if (!directory_close(&directory, why))
        return false;
    qsort(numbers_out, count, sizeof(*numbers_out), compare_numbers);
    *count_out = count;
    return true;
}

/* ---- header ---- */

void segment_header_encode(const struct segment_header *header, unsigned char block[SEGMENT_STEP])
{
    memset(block, 0, SEGMENT_STEP);
    memcpy(block, magic, sizeof(magic));
    bytes_put_u32(block + AT_VERSION, SEGMENT_VERSION);
    bytes_put_u32(block + AT_NUMBER, header->number);
    bytes_put_u32(block + AT_STATE, header->is_live);
    memcpy(block + AT_SALT, header->salt.bytes, SEAL_SALT_SIZE);
    bytes_put_u64(block + AT_SIZE, header->size);
    bytes_put_u64(block + AT_STARTED, (uint64_t) header->started.us);
    bytes_put_u32(block + AT_WRITER, header->writer);
    bytes_put_u64(block + AT_DIGEST, seal_header_digest(str_make((const char *) block, AT_DIGEST)));
}

bool segment_header_decode(struct str bytes, unsigned number, struct segment_header *header_out)
{
    const unsigned char *at = (const unsigned char *) bytes.data;
    struct segment_header header;

    if (bytes.len < HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0 ||
        bytes_get_u32(at + AT_VERSION) != SEGMENT_VERSION || bytes_get_u32(at + AT_NUMBER) != number ||
        bytes_get_u64(at + AT_DIGEST) != seal_header_digest(str_part(bytes, 0, AT_DIGEST)))
        return false;
    header = (struct segment_header){ .number = number,
                                      .is_live = bytes_get_u32(at + AT_STATE) != 0,
                                      .size = bytes_get_u64(at + AT_SIZE),
                                      .started = { (int64_t) bytes_get_u64(at + AT_STARTED) },
                                      .writer = bytes_get_u32(at + AT_WRITER) };
    memcpy(header.salt.bytes, at + AT_SALT, SEAL_SALT_SIZE);
    *header_out = header;
    return true;
}

bool segment_open(unsigned number, int *fd_out, struct failure *why)
{
    char path[SEGMENT_PATH_SIZE];

    segment_path(number, path);
    /* Only the owner may leave the time of access as it is. */
    if (file_open(path, O_RDWR | O_NOFOLLOW | O_NOATIME, 0, fd_out, why))
        return true;
    return why->error == EPERM && file_open(path, O_RDWR | O_NOFOLLOW, 0, fd_out, why);
}

bool segment_read_header(int fd, unsigned number, struct segment_header *header_out, struct failure *why)
{
    unsigned char block[HEADER_SIZE];
    char path[SEGMENT_PATH_SIZE];
    size_t count;

    segment_path(number, path);
    if (!file_read_at(fd, path, block, sizeof(block), 0, &count, why))
        return false;
    if (!segment_header_decode(str_make((const char *) block, count), number, header_out))
        return failure_set(why, FAILURE_PERMANENT, 0, "%s: no valid segment header", path);
    return true;
}

bool segment_write_header(int fd, const struct segment_header *header, bool is_synced, struct failure *why)
{
    char path[SEGMENT_PATH_SIZE];
    unsigned char *block = memory_alloc(SEGMENT_STEP);
    bool is_done;

    segment_path(header->number, path);
    segment_header_encode(header, block);
    is_done = file_write_at(fd, path, str_make((const char *) block, SEGMENT_STEP), 0, why) &&
              (!is_synced || file_sync_data(fd, path, why));
    memory_free(block);
    return is_done;
}

void segment_seal(const struct segment_header *header, struct seal *seal_out)
{
    seal_init(seal_out, &header->salt, header->number);
}

/* ---- making one ---- */

static bool fill(int fd, const char *name, uint64_t size, struct failure *why)
{
    char *zeros = memory_alloc(FILL_SIZE);
    bool is_done = true;

    for (uint64_t at = 0; is_done && at < size; at += FILL_SIZE) {
        uint64_t part = size - at < FILL_SIZE ? size - at : FILL_SIZE;

        is_done = file_write_at(fd, name, str_make(zeros, (size_t) part), at, why);
    }
    memory_free(zeros);
    return is_done;
}

static bool create_file(const char *temporary, const char *path, uint64_t size, const struct segment_header *header,
                        struct failure *why)
{
    struct failure ignored;
    int fd = -1;
    bool is_done;

    if (!file_open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, &fd, why))
        return false;
    is_done = fill(fd, temporary, size, why) && (header == NULL || segment_write_header(fd, header, false, why)) &&
              file_sync(fd, temporary, why) && file_rename_new_at(AT_FDCWD, temporary, AT_FDCWD, path, why);
    fd_close(&fd);
    if (!is_done && !file_unlink(temporary, &ignored))
        (void) failure_prefix(why, "%s is left behind", temporary);
    return is_done;
}

bool segment_create(unsigned number, unsigned writer, uint64_t size, struct failure *why)
{
    struct segment_header header = { .number = number, .size = size, .writer = writer };
    char temporary[SEGMENT_PATH_SIZE];
    char path[SEGMENT_PATH_SIZE];

    snprintf(temporary, sizeof(temporary), "journal/new-%02u", writer);
    segment_ledger_path(number, path);
    if (!file_exists(path) && !create_file(temporary, path, size / LEDGER_SHARE, NULL, why) && !file_exists(path))
        return false;
    segment_path(number, path);
    return create_file(temporary, path, size, &header, why) && file_sync_directory("journal", why);
}

/* ---- frames ---- */

struct scan_state {
    const struct segment_scan *scan;
    struct str bytes;
    uint64_t base;
    uint64_t position;    /* in bytes */
    uint64_t damage_from; /* in bytes, UINT64_MAX: none */
    uint64_t valid_end;   /* in bytes */
};

static uint64_t step_up(uint64_t position)
{
    return (position + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
}

static void report_damage(struct scan_state *state)
{
    if (state->damage_from != UINT64_MAX && state->scan->damage != NULL)
        state->scan->damage(state->scan->context, state->base + state->damage_from, state->base + state->position);
    state->damage_from = UINT64_MAX;
}

static void note_damage(struct scan_state *state)
{
    if (state->damage_from == UINT64_MAX)
        state->damage_from = state->position;
}

/* Looks at one place and moves on. False when the taker wants no more. */
static bool scan_place(struct scan_state *state)
{
    struct str rest = str_from(state->bytes, (size_t) state->position);
    struct str payload;
    struct frame frame;

    if (!frame_decode(rest, state->base + state->position, state->scan->seal, &frame) ||
        frame.length > rest.len - FRAME_HEADER_SIZE || frame.type != FRAME_MESSAGE) {
        /* The others of its group stand behind it, and not at a multiple of SEGMENT_STEP. */
        note_damage(state);
        state->position = frame_find(state->bytes, state->position + 1);
        return true;
    }
    payload = str_part(rest, FRAME_HEADER_SIZE, (size_t) frame.length);
    if (seal_digest(state->scan->seal, payload) == frame.digest) {
        report_damage(state);
        if (!state->scan->frame(state->scan->context, &frame, payload))
            return false;
        state->valid_end = frame_end(&frame) - state->base;
    } else {
        note_damage(state);
    }
    state->position = frame_end(&frame) - state->base;
    if (frame.is_last)
        state->position = step_up(state->position);
    return true;
}

uint64_t segment_scan(const struct segment_scan *scan, struct str bytes, uint64_t base)
{
    struct scan_state state = { .scan = scan, .bytes = bytes, .base = base, .damage_from = UINT64_MAX };

    while (state.position + FRAME_HEADER_SIZE <= bytes.len) {
        if (!scan_place(&state))
            break;
    }
    return base + step_up(state.valid_end);
}

bool segment_message(struct str payload, struct str *envelope_out, struct str *content_out)
{
    uint64_t envelope_len;

    if (payload.len < SEGMENT_MESSAGE_PREFIX)
        return false;
    envelope_len = bytes_get_u32((const unsigned char *) payload.data);
    if (envelope_len > payload.len - SEGMENT_MESSAGE_PREFIX)
        return false;
    *envelope_out = str_part(payload, SEGMENT_MESSAGE_PREFIX, (size_t) envelope_len);
    *content_out = str_from(payload, SEGMENT_MESSAGE_PREFIX + (size_t) envelope_len);
    return true;
}
