/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/segment_reading.h"

#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/queue_file_writer.h"
#include "spool/segment.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { GROUPS = 3 };

/* Segment 1 in a fresh queue directory, with one message in each of three groups. */
struct scene {
    int fd;
    struct segment_header header;
    struct seal seal;
    struct segment_reading reading;
};

static struct queue_id id_of(unsigned n)
{
    return queue_id_make(1000 + n, 0, false);
}

static void write_frame(struct scene *scene, unsigned n)
{
    char group[SEGMENT_STEP] = { 0 };
    struct str payload = STR("\0\0\0\0\0\0\0\0content");
    struct frame frame = { .type = FRAME_MESSAGE,
                           .id = id_of(n),
                           .offset = (uint64_t) SEGMENT_STEP * (n + 1),
                           .length = payload.len,
                           .digest = seal_digest(&scene->seal, payload),
                           .is_last = true };
    struct failure why;

    frame_encode(&frame, &scene->seal, (unsigned char *) group);
    memcpy(group + FRAME_HEADER_SIZE, payload.data, payload.len);
    EXPECT(file_write_at(scene->fd, "segment", str_make(group, sizeof(group)), frame.offset, &why));
}

static void scene_make(struct scene *scene)
{
    struct failure why;

    memset(scene, 0, sizeof(*scene));
    EXPECT(chdir(unit_directory()) == 0);
    EXPECT(spool_make_folders(&why));
    (void) !file_unlink("journal/segment-001", &why);
    EXPECT(segment_create(1, 0, SEGMENT_SIZE_MINIMUM, &why));
    EXPECT(segment_open(1, &scene->fd, &why));
    EXPECT(segment_read_header(scene->fd, 1, &scene->header, &why));
    scene->header.is_live = true;
    scene->header.salt = seal_salt_draw();
    scene->header.started = clock_now();
    EXPECT(segment_write_header(scene->fd, &scene->header, true, &why));
    segment_seal(&scene->header, &scene->seal);
    for (unsigned n = 0; n < GROUPS; n++)
        write_frame(scene, n);
    scene->reading = (struct segment_reading){ .number = 1,
                                               .fd = scene->fd,
                                               .header = &scene->header,
                                               .seal = &scene->seal,
                                               .from = SEGMENT_STEP,
                                               .to = UINT64_MAX,
                                               .is_careful = true };
}

static void scene_done(struct scene *scene)
{
    memory_free(scene->reading.frames);
    fd_close(&scene->fd);
}

TEST(all_that_was_not_finished_is_found)
{
    struct scene scene;

    scene_make(&scene);
    segment_reading_run(&scene.reading);
    EXPECT(scene.reading.is_done);
    EXPECT_UINT(scene.reading.count, GROUPS);
    EXPECT_UINT(scene.reading.end, (uint64_t) SEGMENT_STEP * (GROUPS + 1));
    scene_done(&scene);
}

/* The second group's page cannot be read. */
static int bad_sector(const struct fault_event *event, void *context)
{
    const uint64_t bad = (uint64_t) SEGMENT_STEP * 2 + 512;

    (void) context;
    return event->operation == FAULT_READ && event->offset <= bad && bad < event->offset + event->size ? EIO : 0;
}

TEST(a_sector_that_cannot_be_read_costs_only_its_message)
{
    struct scene scene;

    scene_make(&scene);
    fault_set_hook(bad_sector, NULL);
    segment_reading_run(&scene.reading);
    fault_set_hook(NULL, NULL);
    EXPECT(scene.reading.is_done);
    EXPECT_UINT(scene.reading.count, 2);
    EXPECT(queue_id_equal(scene.reading.frames[0].id, id_of(0)));
    EXPECT(queue_id_equal(scene.reading.frames[1].id, id_of(2)));
    EXPECT_UINT(scene.reading.damaged, 1);
    scene_done(&scene);
}

TEST(what_rotted_is_saved_for_a_person)
{
    struct scene scene;
    char path[80];
    struct strbuf saved;
    struct failure why;

    scene_make(&scene);
    EXPECT(file_write_at(scene.fd, "segment", STR("?"), (uint64_t) SEGMENT_STEP * 2 + FRAME_HEADER_SIZE + 9, &why));
    segment_reading_run(&scene.reading);
    EXPECT_UINT(scene.reading.count, 2);
    snprintf(path, sizeof(path), "corrupt/segment-001.%llx.2000", (unsigned long long) scene.header.started.us);
    strbuf_init(&saved, STRBUF_UNLIMITED);
    EXPECT(file_load(path, &saved, &why));
    EXPECT_UINT(saved.len, SEGMENT_STEP);
    EXPECT_STR(str_part(strbuf_str(&saved), FRAME_HEADER_SIZE + 8, 7), STR("c?ntent"));
    strbuf_done(&saved);
    scene_done(&scene);
}

/* ---- a file with the same id ---- */

static const struct spool_settings flat;

static void write_file(unsigned n, bool spoils_content)
{
    struct queue_file_writer *writer;
    struct envelope envelope = { .id = id_of(n) };
    char path[SPOOL_PATH_SIZE];
    struct failure why;
    int fd;

    spool_path(&flat, SPOOL_DEFERRED, envelope.id, path);
    (void) !file_unlink(path, &why);
    EXPECT(queue_file_create(path, envelope.id, &writer, &why));
    EXPECT(queue_file_write(writer, STR("content"), &why));
    EXPECT(queue_file_finish(writer, &envelope, clock_now(), &why));
    queue_file_close(&writer);
    if (!spoils_content)
        return;
    EXPECT(file_open(path, O_RDWR, 0, &fd, &why));
    EXPECT(file_write_at(fd, path, STR("C"), 112, &why));
    fd_close(&fd);
}

TEST(a_file_outranks_its_frame)
{
    struct scene scene;

    scene_make(&scene);
    write_file(1, false);
    segment_reading_run(&scene.reading);
    EXPECT_UINT(scene.reading.count, GROUPS);
    EXPECT_FALSE(scene.reading.frames[0].is_outranked);
    EXPECT(scene.reading.frames[1].is_outranked);
    scene_done(&scene);
}

/* As a power cut may leave one that spill has not synced: all of it is there but for a part of the content. */
TEST(a_file_with_a_torn_content_does_not_outrank_its_frame)
{
    char path[SPOOL_PATH_SIZE];
    struct scene scene;

    scene_make(&scene);
    write_file(1, true);
    segment_reading_run(&scene.reading);
    EXPECT_UINT(scene.reading.count, GROUPS);
    EXPECT_FALSE(scene.reading.frames[1].is_outranked);
    spool_path(&flat, SPOOL_DEFERRED, id_of(1), path);
    EXPECT_FALSE(file_exists(path));
    scene_done(&scene);
}

static unsigned syncs;

static int count_syncs(const struct fault_event *event, void *context)
{
    (void) context;
    syncs += event->operation == FAULT_SYNC && strncmp(event->path, "deferred", 8) == 0;
    return 0;
}

TEST(a_file_is_made_durable_before_its_frame_is_given_up)
{
    struct scene scene;

    scene_make(&scene);
    write_file(2, false);
    fault_set_hook(count_syncs, NULL);
    syncs = 0;
    EXPECT(segment_reading_file_counts(&flat, id_of(2)));
    fault_set_hook(NULL, NULL);
    EXPECT_UINT(syncs, 2);
    scene_done(&scene);
}
