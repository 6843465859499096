/* SPDX-License-Identifier: Apache-2.0 */
#include "os/system_socket.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", unit_directory(), name);
    return path;
}

static const struct system_socket_access access_0620 = { 0620, (uid_t) -1, (gid_t) -1 };

TEST(a_unix_listener_has_its_mode_and_replaces_an_old_socket)
{
    const char *path = path_of("listener");
    int old = -1, new = -1, client = -1;
    struct stat status;

    EXPECT(system_socket_listen_unix(path, 5, &access_0620, &old, NULL));
    EXPECT(system_socket_listen_unix(path, 5, &access_0620, &new, NULL));
    EXPECT(stat(path, &status) == 0);
    EXPECT_UINT(status.st_mode & 07777, 0620);
    EXPECT(system_socket_connect_unix(path, &client, NULL));
    fd_close(&client);
    fd_close(&old);
    fd_close(&new);
}

TEST(a_file_in_the_place_of_a_socket_is_not_removed)
{
    const char *path = path_of("occupied");
    struct failure why;
    int fd = -1;

    EXPECT(file_replace(path, STR("x"), 0600, NULL));
    EXPECT_FALSE(system_socket_listen_unix(path, 5, &access_0620, &fd, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    EXPECT(file_exists(path));
}

TEST(a_name_that_does_not_fit_is_refused)
{
    char path[300];
    int fd = -1;
    struct failure why;

    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    EXPECT_FALSE(system_socket_listen_unix(path, 5, &access_0620, &fd, &why));
    EXPECT_INT(why.error, ENAMETOOLONG);
}

TEST(a_fifo_does_not_end_when_its_writers_close)
{
    const char *path = path_of("fifo");
    int fd = -1;
    char byte;

    EXPECT(system_socket_open_fifo(path, &access_0620, &fd, NULL));
    EXPECT(read(fd, &byte, 1) < 0 && errno == EAGAIN);
    EXPECT(system_socket_wake(path, STR("W"), NULL));
    EXPECT(read(fd, &byte, 1) == 1 && byte == 'W');
    fd_close(&fd);
}

TEST(addresses_and_ports_are_read_without_a_lookup)
{
    struct sockaddr_storage address;
    struct arena *arena = arena_create();
    socklen_t size;
    unsigned port;

    EXPECT(system_socket_parse_address(STR("192.0.2.1"), 25, &address, &size));
    EXPECT_STR(system_socket_address_text(arena, (struct sockaddr *) &address, size), STR("192.0.2.1:25"));
    EXPECT(system_socket_parse_address(STR("2001:db8::1"), 25, &address, &size));
    EXPECT_STR(system_socket_address_text(arena, (struct sockaddr *) &address, size), STR("[2001:db8::1]:25"));
    EXPECT_FALSE(system_socket_parse_address(STR("localhost"), 25, &address, &size));
    EXPECT_FALSE(system_socket_parse_address(STR("192.0.2.1"), 70000, &address, &size));
    EXPECT(system_socket_parse_port(STR("2525"), &port));
    EXPECT_UINT(port, 2525);
    EXPECT_FALSE(system_socket_parse_port(STR("0"), &port));
    EXPECT_FALSE(system_socket_parse_port(STR("no-such-service"), &port));
    arena_destroy(&arena);
}
