/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/content.h"

#include "base/strbuf.h"
#include "protocol/deliver.h"
#include "run/fiber.h"
#include "run/loop.h"

#include "unit.h"

#include <stdio.h>

struct scene {
    struct loop *loop;
    const struct deliver_request *request;
    struct strbuf read;
    bool is_read;
};

static void read_all(void *context)
{
    struct scene *scene = context;
    struct content content;
    struct str piece;

    content_open(&content, scene->loop, scene->request);
    do {
        scene->is_read = content_next(&content, &piece, NULL);
        if (scene->is_read)
            strbuf_append(&scene->read, piece);
    } while (scene->is_read && piece.len > 0);
    content_close(&content);
}

static void play(struct scene *scene, const struct deliver_request *request)
{
    scene->loop = loop_create();
    scene->request = request;
    strbuf_init(&scene->read, STRBUF_UNLIMITED);
    fiber_run(scene->loop, read_all, scene);
    loop_destroy(&scene->loop);
}

TEST(content_inside_the_request_is_given_whole)
{
    struct deliver_request request = { .content = STR("Subject: x\n\nhello\n"), .size = 18, .content_fd = -1 };
    struct scene scene;

    play(&scene, &request);
    EXPECT(scene.is_read);
    EXPECT_STR(strbuf_str(&scene.read), request.content);
    strbuf_done(&scene.read);
}

TEST(content_in_a_file_is_read_from_its_place_to_its_size)
{
    FILE *file = tmpfile();
    struct deliver_request request = { .content_offset = 5, .size = 200000 };
    struct scene scene;

    fputs("frame", file);
    for (int i = 0; i < 50000; i++)
        fprintf(file, "%04d", i % 10000);
    fputs("after", file);
    fflush(file);
    request.content_fd = fileno(file);
    play(&scene, &request);
    EXPECT(scene.is_read);
    EXPECT_UINT(scene.read.len, 200000);
    EXPECT_STR(str_part(strbuf_str(&scene.read), 0, 8), STR("00000001"));
    EXPECT(str_ends_with(strbuf_str(&scene.read), STR("9999")));
    strbuf_done(&scene.read);
    fclose(file);
}

TEST(a_file_that_is_too_short_is_a_failure)
{
    FILE *file = tmpfile();
    struct deliver_request request = { .size = 100 };
    struct scene scene;

    fputs("short", file);
    fflush(file);
    request.content_fd = fileno(file);
    play(&scene, &request);
    EXPECT_FALSE(scene.is_read);
    strbuf_done(&scene.read);
    fclose(file);
}
