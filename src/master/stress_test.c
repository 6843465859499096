/* SPDX-License-Identifier: Apache-2.0 */
#include "master/stress.h"

#include "config/shared_settings.h"
#include "master/configuration.h"
#include "master/service.h"
#include "master/settings.h"
#include "os/fd.h"
#include "unit.h"

#include <sys/socket.h>

/* A service of two processes, and master's words to them. */
struct scene {
    struct master_service entry;
    struct shared_settings shared;
    struct master_settings settings;
    struct configuration configuration;
    struct service *service;
    struct child *children[2];
    int ends[2];
};

static struct child *add_child(struct scene *scene, pid_t pid, int *end)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    *end = ends[1];
    return service_add_child(scene->service, pid, ends[0]);
}

static void open_scene(struct scene *scene, enum master_service_type type)
{
    *scene = (struct scene){ .entry = { .type = type, .max_processes = 10 } };
    scene->entry.fields[MASTER_FIELD_NAME] = STR("smtp");
    scene->entry.fields[MASTER_FIELD_COMMAND] = STR("smtpd");
    scene->settings.service_workers = 2;
    scene->configuration.shared = &scene->shared;
    scene->configuration.settings = &scene->settings;
    scene->service = service_create(&scene->entry);
    for (int i = 0; i < 2; i++)
        scene->children[i] = add_child(scene, 1000 + i, &scene->ends[i]);
}

static void close_scene(struct scene *scene)
{
    for (int i = 0; i < 2; i++) {
        service_remove_child(scene->children[i]);
        fd_close(&scene->ends[i]);
    }
    service_destroy(scene->service);
}

static void become(struct scene *scene, int child, enum child_state state, int64_t second)
{
    scene->children[child]->state = state;
    stress_look(scene->service, &scene->configuration, instant_from_seconds(second));
}

/* 's', 'c', or 0 for nothing. */
static char heard(int end)
{
    char word = 0;

    return recv(end, &word, 1, 0) == 1 ? word : 0;
}

TEST(stress_is_when_all_are_full_and_ends_a_while_after_there_was_room)
{
    struct scene scene;
    struct child *late;
    int late_end;

    open_scene(&scene, MASTER_SERVICE_INET);
    become(&scene, 0, CHILD_BUSY, 100);
    EXPECT_INT(heard(scene.ends[0]), 0);
    become(&scene, 1, CHILD_BUSY, 100);
    EXPECT_INT(heard(scene.ends[0]), 's');
    EXPECT_INT(heard(scene.ends[1]), 's');
    late = add_child(&scene, 1002, &late_end);
    stress_tell_new(late);
    EXPECT_INT(heard(late_end), 's');
    service_remove_child(late);
    fd_close(&late_end);
    stress_tick(scene.service, &scene.configuration, instant_from_seconds(1000));
    EXPECT_INT(heard(scene.ends[0]), 0);
    become(&scene, 0, CHILD_AVAILABLE, 1001);
    stress_tick(scene.service, &scene.configuration, instant_from_seconds(1059));
    EXPECT_INT(heard(scene.ends[0]), 0);
    become(&scene, 0, CHILD_BUSY, 1059);
    become(&scene, 0, CHILD_AVAILABLE, 1060);
    stress_tick(scene.service, &scene.configuration, instant_from_seconds(1118));
    EXPECT_INT(heard(scene.ends[0]), 0);
    stress_tick(scene.service, &scene.configuration, instant_from_seconds(1119));
    EXPECT_INT(heard(scene.ends[0]), 'c');
    EXPECT_INT(heard(scene.ends[1]), 'c');
    close_scene(&scene);
}

TEST(a_service_of_our_own_has_none)
{
    struct scene scene;

    open_scene(&scene, MASTER_SERVICE_UNIX);
    become(&scene, 0, CHILD_BUSY, 100);
    become(&scene, 1, CHILD_BUSY, 100);
    EXPECT_INT(heard(scene.ends[0]), 0);
    close_scene(&scene);
}
