/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/watched_file.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

struct scene {
    struct arena *arena;
    char path[300];
    char other[300];
    struct watched_file *file;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    EXPECT(file != NULL && fputs(text, file) >= 0);
    if (file != NULL)
        fclose(file);
}

static struct scene open_scene(const char *text)
{
    struct scene scene = { .arena = arena_create() };

    snprintf(scene.path, sizeof scene.path, "%s/watched", unit_directory());
    snprintf(scene.other, sizeof scene.other, "%s/other", unit_directory());
    unlink(scene.path);
    if (text != NULL)
        write_file(scene.path, text);
    scene.file = watched_file_open(scene.path);
    return scene;
}

static void close_scene(struct scene *scene)
{
    watched_file_close(&scene->file);
    EXPECT(scene->file == NULL);
    arena_destroy(&scene->arena);
}

static void expect_new(struct scene *scene, const char *expected)
{
    struct str text;

    EXPECT(watched_file_changed(scene->file, scene->arena, &text));
    EXPECT_STR(text, str_from_c(expected));
}

static void expect_same(struct scene *scene)
{
    struct str text;

    EXPECT_FALSE(watched_file_changed(scene->file, scene->arena, &text));
}

TEST(a_file_is_read_once_until_it_changes)
{
    struct scene scene = open_scene("one\n");

    expect_new(&scene, "one\n");
    expect_same(&scene);
    write_file(scene.path, "longer\n");
    expect_new(&scene, "longer\n");
    expect_same(&scene);
    close_scene(&scene);
}

TEST(a_file_put_in_its_place_is_followed)
{
    struct scene scene = open_scene("one\n");

    expect_new(&scene, "one\n");
    write_file(scene.other, "two\n");
    EXPECT_INT(rename(scene.other, scene.path), 0);
    expect_new(&scene, "two\n");
    expect_same(&scene);
    close_scene(&scene);
}

TEST(a_file_may_come_later)
{
    struct scene scene = open_scene(NULL);

    expect_new(&scene, "");
    expect_same(&scene);
    write_file(scene.path, "late\n");
    expect_new(&scene, "late\n");
    close_scene(&scene);
}

/* Whoever takes the file away to write it anew leaves a moment without: what was read stays good meanwhile. */
TEST(a_file_that_goes_leaves_what_was_read)
{
    struct scene scene = open_scene("one\n");

    expect_new(&scene, "one\n");
    EXPECT_INT(unlink(scene.path), 0);
    expect_same(&scene);
    write_file(scene.path, "back again\n");
    expect_new(&scene, "back again\n");
    close_scene(&scene);
}

TEST(an_emptied_file_is_empty)
{
    struct scene scene = open_scene("one\n");

    expect_new(&scene, "one\n");
    write_file(scene.path, "");
    expect_new(&scene, "");
    close_scene(&scene);
}

TEST(outside_of_a_jail_there_is_no_jail)
{
    struct scene scene = open_scene("one\n");

    EXPECT_FALSE(watched_file_is_in_jail(scene.file));
    close_scene(&scene);
}
