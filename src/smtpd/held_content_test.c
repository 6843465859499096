/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/held_content.h"

#include "base/strbuf.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "unit.h"

#include <dirent.h>

struct scene {
    struct loop *loop;
    struct held_content_file *file;
    void (*play)(struct held_content_file *file);
};

static void run_scene(void *context)
{
    struct scene *scene = context;

    held_content_file_start(scene->file, scene->loop);
    scene->play(scene->file);
    held_content_file_close(&scene->file);
}

static void play(void (*function)(struct held_content_file *file))
{
    struct scene scene = { .loop = loop_create(), .play = function };
    struct failure why;

    EXPECT(held_content_file_open(unit_directory(), &scene.file, &why));
    fiber_run(scene.loop, run_scene, &scene);
    loop_destroy(&scene.loop);
}

/* Bytes that tell where in which message they stand. */
static char byte_at(unsigned message, size_t place)
{
    return (char) ((place * 31 + place / HELD_PIECE + message * 7) & 0xff);
}

static void add(struct held_content *held, unsigned message, size_t from, size_t to)
{
    struct strbuf bytes;

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    for (size_t i = from; i < to; i++)
        strbuf_append_char(&bytes, byte_at(message, i));
    EXPECT(held_content_add(held, strbuf_str(&bytes), NULL));
    strbuf_done(&bytes);
}

static void expect_all(struct held_content *held, unsigned message, size_t size)
{
    struct str piece;
    size_t got = 0, wrong = 0;

    do {
        EXPECT(held_content_next(held, &piece, NULL));
        for (size_t i = 0; i < piece.len; i++)
            wrong += piece.data[i] != byte_at(message, got + i);
        got += piece.len;
    } while (piece.len > 0);
    EXPECT_UINT(got, size);
    EXPECT_UINT(wrong, 0);
}

static void keep_each(struct held_content_file *file)
{
    static const size_t sizes[] = {
        0, 1, 1000, HELD_PIECE - 1, HELD_PIECE, HELD_PIECE + 1, 2 * HELD_PIECE, 5 * HELD_PIECE + 17, 3000000
    };
    static const size_t steps[] = { 1 << 20, 32768, 40000 };

    for (unsigned i = 0; i < ARRAY_COUNT(sizes); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(steps); k++) {
            struct held_content *held = held_content_create(file);

            for (size_t place = 0; place < sizes[i]; place += steps[k])
                add(held, i, place, place + steps[k] < sizes[i] ? place + steps[k] : sizes[i]);
            if (sizes[i] <= HELD_PIECE)
                EXPECT_UINT(held_content_file_size(file), 0);
            expect_all(held, i, sizes[i]);
            held_content_destroy(&held);
            if (sizes[i] <= HELD_PIECE)
                EXPECT_UINT(held_content_file_size(file), 0);
        }
    }
    EXPECT(held_content_file_size(file) <= 16 * HELD_PIECE);
}

TEST(a_message_comes_back_as_it_was)
{
    play(keep_each);
}

/* Messages grow by turns; one ends in the middle, and its places are another's. */
static void keep_many(struct held_content_file *file)
{
    enum { MESSAGES = 5, SIZE = 10 * HELD_PIECE, STEP = 30000 };
    struct held_content *held[MESSAGES];
    uint64_t size;

    for (unsigned i = 0; i < MESSAGES; i++)
        held[i] = held_content_create(file);
    for (size_t place = 0; place < SIZE; place += STEP) {
        for (unsigned i = 0; i < MESSAGES; i++)
            add(held[i], i, place, place + STEP < SIZE ? place + STEP : SIZE);
    }
    size = held_content_file_size(file);
    EXPECT(size <= (uint64_t) MESSAGES * SIZE);
    held_content_destroy(&held[2]);
    held[2] = held_content_create(file);
    add(held[2], 100, 0, SIZE);
    EXPECT_UINT(held_content_file_size(file), size);
    for (unsigned i = 0; i < MESSAGES; i++)
        expect_all(held[i], i == 2 ? 100 : i, SIZE);
    for (unsigned i = 0; i < MESSAGES; i++)
        held_content_destroy(&held[i]);
    EXPECT(held_content_file_size(file) <= 16 * HELD_PIECE);
}

TEST(messages_share_the_file)
{
    play(keep_many);
}

static size_t names_in(const char *path)
{
    DIR *directory = opendir(path);
    size_t count = 0;

    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void look_for_names(struct held_content_file *file)
{
    struct held_content *held = held_content_create(file);

    add(held, 1, 0, 4 * HELD_PIECE);
    EXPECT_UINT(names_in(unit_directory()), 2); /* . and .. */
    held_content_destroy(&held);
}

TEST(the_file_has_no_name)
{
    play(look_for_names);
}

TEST(a_directory_that_is_not_there_is_told)
{
    struct held_content_file *file;
    struct failure why;

    EXPECT(!held_content_file_open("/nowhere/at/all", &file, &why));
    EXPECT(strstr(why.text, "/nowhere/at/all") != NULL);
}
