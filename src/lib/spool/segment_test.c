/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "base/strbuf.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/bytes.h"
#include "spool/segment.h"
#include "spool/spool.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FRAMES_MAXIMUM = 64 };

/* A segment in memory: groups of frames as a writer lays them out. */
struct image {
    struct segment_header header;
    struct seal seal;
    struct strbuf bytes; /* from SEGMENT_STEP on */
    uint64_t last_frame; /* where its header is, in bytes */
};

static void image_init(struct image *image, unsigned number, unsigned char salt)
{
    *image = (struct image){ .header = { .number = number, .is_live = true, .size = 1 << 20 } };
    memset(image->header.salt.bytes, salt, SEAL_SALT_SIZE);
    segment_seal(&image->header, &image->seal);
    strbuf_init(&image->bytes, STRBUF_UNLIMITED);
}

static void pad(struct strbuf *bytes, size_t step)
{
    while (bytes->len % step != 0)
        strbuf_append_char(bytes, '\0');
}

static struct queue_id id_of(uint64_t n)
{
    return queue_id_make(n, 0, false);
}

static void image_add(struct image *image, uint64_t n, struct str content, bool is_last)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct strbuf payload;
    struct frame frame;

    strbuf_init(&payload, STRBUF_UNLIMITED);
    strbuf_append_bytes(&payload, "\3\0\0\0\0\0\0\0env", 11);
    strbuf_append(&payload, content);
    frame = (struct frame){ .type = FRAME_MESSAGE,
                            .id = id_of(n),
                            .offset = SEGMENT_STEP + image->bytes.len,
                            .length = payload.len,
                            .digest = seal_digest(&image->seal, strbuf_str(&payload)),
                            .is_last = is_last };
    image->last_frame = image->bytes.len;
    frame_encode(&frame, &image->seal, header);
    strbuf_append_bytes(&image->bytes, header, sizeof(header));
    strbuf_append(&image->bytes, strbuf_str(&payload));
    pad(&image->bytes, is_last ? SEGMENT_STEP : FRAME_ALIGNMENT);
    strbuf_done(&payload);
}

struct found {
    uint64_t numbers[FRAMES_MAXIMUM];
    size_t count;
    size_t most; /* the taker wants no more than these; 0: all */
    uint64_t damage_from[FRAMES_MAXIMUM];
    size_t damaged;
};

static bool take_frame(void *context, const struct frame *frame, struct str payload)
{
    struct found *found = context;
    struct str envelope;
    struct str content;

    EXPECT(segment_message(payload, &envelope, &content));
    EXPECT_STR(envelope, STR("env"));
    found->numbers[found->count++] = queue_id_tick(frame->id);
    return found->most == 0 || found->count < found->most;
}

static void take_damage(void *context, uint64_t from, uint64_t to)
{
    struct found *found = context;

    EXPECT(to > from);
    found->damage_from[found->damaged++] = from;
}

static uint64_t scan(const struct image *image, struct found *found)
{
    const struct segment_scan how = {
        .seal = &image->seal, .frame = take_frame, .damage = take_damage, .context = found
    };

    return segment_scan(&how, strbuf_str(&image->bytes), SEGMENT_STEP);
}

/* Two groups, of two frames and of one. */
static void make_three(struct image *image)
{
    image_init(image, 1, 7);
    image_add(image, 1, STR("one"), false);
    image_add(image, 2, STR("two"), true);
    image_add(image, 3, STR("three"), true);
}

TEST(all_frames_are_found_in_order)
{
    struct found found = { 0 };
    struct image image;

    make_three(&image);
    EXPECT_UINT(scan(&image, &found), 3 * SEGMENT_STEP);
    EXPECT_UINT(found.count, 3);
    EXPECT_UINT(found.damaged, 0);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_UINT(found.numbers[i], i + 1);
    strbuf_done(&image.bytes);
}

TEST(what_follows_the_last_group_is_not_taken_for_damage)
{
    struct found found = { 0 };
    struct image image;

    make_three(&image);
    for (int i = 0; i < 20000; i++)
        strbuf_append_char(&image.bytes, (char) (i * 31));
    EXPECT_UINT(scan(&image, &found), 3 * SEGMENT_STEP);
    EXPECT_UINT(found.count, 3);
    EXPECT_UINT(found.damaged, 0);
    strbuf_done(&image.bytes);
}

TEST(a_torn_tail_is_cut_wherever_it_tore)
{
    struct image image;
    size_t whole;

    make_three(&image);
    whole = image.bytes.len;
    /* From the second group's first byte to just before the end of its frame. */
    for (size_t len = SEGMENT_STEP; len < SEGMENT_STEP + FRAME_HEADER_SIZE + 16; len++) {
        struct found found = { 0 };

        image.bytes.len = len;
        EXPECT_UINT(scan(&image, &found), 2 * SEGMENT_STEP);
        EXPECT_UINT(found.count, 2);
        EXPECT_UINT(found.damaged, 0);
    }
    image.bytes.len = whole;
    strbuf_done(&image.bytes);
}

TEST(every_flipped_bit_loses_at_most_the_frames_it_hit)
{
    struct image image;

    make_three(&image);
    for (size_t at = 0; at < SEGMENT_STEP + FRAME_HEADER_SIZE + 16; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct found found = { 0 };

            image.bytes.data[at] = (char) (image.bytes.data[at] ^ (1 << bit));
            scan(&image, &found);
            EXPECT(found.count >= 1 && found.count <= 3);
            /* Rot in the first group is told, because a valid group follows. */
            if (at < SEGMENT_STEP && found.count < 3)
                EXPECT_UINT(found.damaged, 1);
            image.bytes.data[at] = (char) (image.bytes.data[at] ^ (1 << bit));
        }
    }
    strbuf_done(&image.bytes);
}

TEST(rot_in_one_payload_costs_only_that_message)
{
    struct found found = { 0 };
    struct image image;

    make_three(&image);
    image.bytes.data[FRAME_HEADER_SIZE + 12] = '?';
    scan(&image, &found);
    EXPECT_UINT(found.count, 2);
    EXPECT_UINT(found.numbers[0], 2);
    EXPECT_UINT(found.damaged, 1);
    EXPECT_UINT(found.damage_from[0], SEGMENT_STEP);
    strbuf_done(&image.bytes);
}

TEST(rot_in_one_header_costs_only_that_message)
{
    struct found found = { 0 };
    struct image image;

    make_three(&image);
    memset(image.bytes.data, 0x5a, FRAME_HEADER_SIZE);
    EXPECT_UINT(scan(&image, &found), 3 * SEGMENT_STEP);
    EXPECT_UINT(found.count, 2);
    EXPECT_UINT(found.numbers[0], 2);
    EXPECT_UINT(found.numbers[1], 3);
    EXPECT_UINT(found.damaged, 1);
    strbuf_done(&image.bytes);
}

TEST(a_lost_group_is_told_when_another_follows)
{
    struct found found = { 0 };
    struct image image;

    make_three(&image);
    memset(image.bytes.data, 0, SEGMENT_STEP);
    EXPECT_UINT(scan(&image, &found), 3 * SEGMENT_STEP);
    EXPECT_UINT(found.count, 1);
    EXPECT_UINT(found.damaged, 1);
    strbuf_done(&image.bytes);
}

TEST(frames_of_an_earlier_use_are_nothing)
{
    struct found found = { 0 };
    struct image old;
    struct image new;

    image_init(&old, 1, 1);
    image_init(&new, 1, 2);
    for (uint64_t i = 1; i < 6; i++)
        image_add(&old, i, STR("old"), true);
    image_add(&new, 9, STR("new"), true);
    memcpy(old.bytes.data, new.bytes.data, new.bytes.len);
    old.seal = new.seal;
    EXPECT_UINT(scan(&old, &found), 2 * SEGMENT_STEP);
    EXPECT_UINT(found.count, 1);
    EXPECT_UINT(found.numbers[0], 9);
    EXPECT_UINT(found.damaged, 0);
    strbuf_done(&old.bytes);
    strbuf_done(&new.bytes);
}

TEST(frames_of_another_segment_or_place_are_nothing)
{
    struct found found = { 0 };
    struct image one;
    struct image two;

    image_init(&one, 1, 1);
    image_init(&two, 2, 1);
    image_add(&one, 1, STR("x"), true);
    image_add(&one, 2, STR("y"), true);
    two.bytes = one.bytes;
    EXPECT_UINT(scan(&two, &found), SEGMENT_STEP);
    EXPECT_UINT(found.count, 0);
    memmove(one.bytes.data, one.bytes.data + SEGMENT_STEP, SEGMENT_STEP);
    scan(&one, &found);
    EXPECT_UINT(found.count, 1);
    strbuf_done(&one.bytes);
}

/* A body may hold anything, even a whole valid group of a segment that its author once had. */
TEST(a_frame_forged_in_a_body_is_never_found)
{
    struct found found = { 0 };
    struct image forged;
    struct image image;
    struct strbuf body;

    image_init(&forged, 1, 99);
    image_add(&forged, 666, STR("forged"), true);
    image_init(&image, 1, 7);
    strbuf_init(&body, STRBUF_UNLIMITED);
    for (int i = 0; i < 4; i++) {
        pad(&body, 8);
        while ((body.len + FRAME_HEADER_SIZE + 11) % SEGMENT_STEP != 0)
            strbuf_append_char(&body, 'x');
        strbuf_append(&body, strbuf_str(&forged.bytes));
    }
    image_add(&image, 1, strbuf_str(&body), true);
    image_add(&image, 2, STR("after"), true);
    /* Even when the frame around it is damaged. */
    image.bytes.data[0] = '?';
    scan(&image, &found);
    EXPECT_UINT(found.count, 1);
    EXPECT_UINT(found.numbers[0], 2);
    strbuf_done(&body);
    strbuf_done(&image.bytes);
    strbuf_done(&forged.bytes);
}

TEST(the_taker_may_end_the_scan)
{
    struct found found = { .most = 2 };
    struct image image;

    make_three(&image);
    scan(&image, &found);
    EXPECT_UINT(found.count, 2);
    strbuf_done(&image.bytes);
}

TEST(an_empty_segment_has_nothing)
{
    struct found found = { 0 };
    struct image image;

    image_init(&image, 1, 1);
    EXPECT_UINT(scan(&image, &found), SEGMENT_STEP);
    for (int i = 0; i < 3 * SEGMENT_STEP; i++)
        strbuf_append_char(&image.bytes, '\0');
    EXPECT_UINT(scan(&image, &found), SEGMENT_STEP);
    EXPECT_UINT(found.count + found.damaged, 0);
    strbuf_done(&image.bytes);
}

TEST(a_payload_is_cut_into_envelope_and_content_or_refused)
{
    struct str envelope;
    struct str content;

    EXPECT(segment_message(STR("\2\0\0\0\0\0\0\0abc"), &envelope, &content));
    EXPECT_STR(envelope, STR("ab"));
    EXPECT_STR(content, STR("c"));
    EXPECT_FALSE(segment_message(STR("\4\0\0\0\0\0\0\0abc"), &envelope, &content));
    EXPECT_FALSE(segment_message(STR("\1\0\0"), &envelope, &content));
}

TEST(frames_of_unknown_type_or_impossible_length_are_refused)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = { .type = FRAME_STATUS, .id = id_of(1), .offset = 64, .length = 5 };
    struct image image;

    image_init(&image, 1, 1);
    frame_encode(&frame, &image.seal, header);
    EXPECT(frame_decode(str_make((char *) header, sizeof(header)), 64, &image.seal, &frame));
    EXPECT_FALSE(frame_decode(str_make((char *) header, sizeof(header)), 72, &image.seal, &frame));
    EXPECT_FALSE(frame_decode(str_make((char *) header, sizeof(header) - 1), 64, &image.seal, &frame));
    frame.type = (enum frame_type) 77;
    frame_encode(&frame, &image.seal, header);
    EXPECT_FALSE(frame_decode(str_make((char *) header, sizeof(header)), 64, &image.seal, &frame));
    frame.type = FRAME_STATUS;
    frame.length = UINT64_C(1) << 60;
    frame_encode(&frame, &image.seal, header);
    EXPECT_FALSE(frame_decode(str_make((char *) header, sizeof(header)), 64, &image.seal, &frame));
}

/* ---- headers and files ---- */

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

TEST(a_header_is_read_back_and_every_flipped_bit_is_seen)
{
    struct segment_header header = {
        .number = 5, .is_live = true, .size = 1 << 24, .started = { 1767225600000000 }, .writer = 3
    };
    unsigned char *block = memory_alloc(SEGMENT_STEP);
    struct segment_header again;

    segment_header_encode(&header, block);
    EXPECT(segment_header_decode(str_make((char *) block, SEGMENT_STEP), 5, &again));
    EXPECT(again.is_live && again.size == header.size && again.started.us == header.started.us && again.writer == 3);
    EXPECT_FALSE(segment_header_decode(str_make((char *) block, SEGMENT_STEP), 6, &again));
    EXPECT_FALSE(segment_header_decode(str_make((char *) block, 63), 5, &again));
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        block[bit / 8] ^= (unsigned char) (1 << bit % 8);
        EXPECT_FALSE(segment_header_decode(str_make((char *) block, SEGMENT_STEP), 5, &again));
        block[bit / 8] ^= (unsigned char) (1 << bit % 8);
    }
    memory_free(block);
}

TEST(a_new_segment_is_free_and_has_a_ledger)
{
    struct segment_header header;
    struct failure why;
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count;
    int fd;

    enter_fresh_queue();
    EXPECT(segment_create(3, 0, 1 << 20, &why));
    EXPECT(segment_create(1, 0, 1 << 20, &why));
    EXPECT_FALSE(segment_create(1, 0, 1 << 20, &why));
    EXPECT(segment_list(numbers, &count, &why));
    EXPECT_UINT(count, 2);
    EXPECT_UINT(numbers[0], 1);
    EXPECT_UINT(numbers[1], 3);
    EXPECT(file_exists("journal/ledger-003"));
    EXPECT_FALSE(file_exists("journal/new-00"));
    EXPECT(segment_open(3, &fd, &why));
    EXPECT(segment_read_header(fd, 3, &header, &why));
    EXPECT_FALSE(header.is_live);
    EXPECT_UINT(header.size, 1 << 20);
    EXPECT(file_write_at(fd, "segment", STR("rot"), 0, &why));
    EXPECT_FALSE(segment_read_header(fd, 3, &header, &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
    fd_close(&fd);
}

TEST(names_that_are_no_segments_are_passed_over)
{
    unsigned number;

    EXPECT(segment_number_of("segment-017", &number));
    EXPECT_UINT(number, 17);
    EXPECT_FALSE(segment_number_of("segment-17", &number));
    EXPECT_FALSE(segment_number_of("segment-000", &number));
    EXPECT_FALSE(segment_number_of("ledger-017", &number));
    EXPECT_FALSE(segment_number_of("segment-01x", &number));
}
