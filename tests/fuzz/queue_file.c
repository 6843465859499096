/* SPDX-License-Identifier: Apache-2.0 */
/* Queue files and maildrop files: whatever stands there is a message or is refused. */

#include "os/fd.h"
#include "os/file.h"
#include "spool/bytes.h"
#include "spool/frame.h"
#include "spool/maildrop_file.h"
#include "spool/queue_file_part.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER_SIZE = 64, ID = 77 };

/* In parts of three it is the same message. */
static void read_in_parts(int fd, const struct envelope *whole)
{
    struct arena *arena = arena_create();
    struct queue_file_survey survey;
    struct envelope envelope;
    struct failure why;
    size_t seen = 0;
    size_t pending = 0;

    if (!queue_file_survey(fd, arena, &envelope, &survey, &why) || survey.start.total != whole->recipient_count)
        abort();
    for (;;) {
        struct envelope part = { 0 };
        size_t *numbers;

        if (!queue_file_read_part(fd, &survey.start, 0xf, 3, arena, &part, &numbers, &why))
            abort();
        if (part.recipient_count == 0)
            break;
        for (size_t i = 0; i < part.recipient_count; i++, seen++) {
            if (numbers[i] != seen || part.recipients[i].status != whole->recipients[seen].status ||
                !str_equal(part.recipients[i].address, whole->recipients[seen].address) ||
                !str_equal(part.recipients[i].reason, whole->recipients[seen].reason))
                abort();
            pending += part.recipients[i].status == RECIPIENT_PENDING;
        }
    }
    if (seen != whole->recipient_count || pending != survey.pending)
        abort();
    arena_destroy(&arena);
}

static void read_message(struct str bytes)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure why;
    int fd = memfd_create("message", MFD_CLOEXEC);

    if (fd < 0 || !file_write_at(fd, "message", bytes, 0, &why))
        abort();
    if (queue_file_read(fd, arena, &envelope, &content, &why)) {
        (void) !queue_file_verify_content(fd, &content, &why);
        read_in_parts(fd, &envelope);
    }
    fd_close(&fd);
    arena_destroy(&arena);
}

static void append_frame(struct strbuf *bytes, enum frame_type type, struct str payload, const struct seal *seal)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = {
        .type = type, .id = { ID }, .offset = bytes->len, .length = payload.len, .digest = seal_digest(seal, payload)
    };

    frame_encode(&frame, seal, header);
    strbuf_append_bytes(bytes, header, sizeof(header));
    strbuf_append(bytes, payload);
    while (bytes->len % FRAME_ALIGNMENT != 0)
        strbuf_append_char(bytes, '\0');
}

/* Sealed frames of the fuzzer's choice: a byte for the type, one for the length, then the payload. */
static void read_sealed(struct str plan)
{
    unsigned char header[HEADER_SIZE] = { 'M', 'P', 'Q', 'F', 1 };
    static const struct seal_salt salt;
    struct strbuf bytes;
    struct seal seal;

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    header[8] = ID;
    bytes_put_u64(header + 56, seal_header_digest(str_make((const char *) header, 56)));
    strbuf_append_bytes(&bytes, header, sizeof(header));
    seal_init(&seal, &salt, SEAL_CONTEXT_FILE);
    append_frame(&bytes, FRAME_CONTENT, STR("x\n"), &seal);
    while (plan.len >= 2) {
        size_t len = (unsigned char) plan.data[1];
        enum frame_type type = (enum frame_type)((unsigned char) plan.data[0] % 8);

        append_frame(&bytes, type, str_part(plan, 2, len), &seal);
        plan = str_from(plan, 2 + len);
    }
    read_message(strbuf_str(&bytes));
    strbuf_done(&bytes);
}

static void read_drop(struct str bytes)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    static char path[64];
    struct failure why;
    uint64_t offset;
    uint64_t length;
    int fd;

    if (path[0] == '\0')
        snprintf(path, sizeof(path), "/tmp/fuzz-maildrop.%d", (int) getpid());
    if (!file_open(path, O_RDWR | O_CREAT | O_TRUNC, 0700, &fd, &why))
        abort();
    if (!file_write_at(fd, path, bytes, 0, &why) || !file_set_mode(fd, path, 0700, &why))
        abort();
    fd_close(&fd);
    if (maildrop_open(path, arena, &message, &fd, &offset, &length, &why))
        fd_close(&fd);
    (void) !file_unlink(path, &why);
    arena_destroy(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *) data, size);

    read_message(bytes);
    read_sealed(bytes);
    read_drop(bytes);
    return 0;
}
