/* SPDX-License-Identifier: Apache-2.0 */
#include "log/transport.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", unit_directory(), name);
    return path;
}

static int open_sink(const char *path)
{
    const struct system_socket_access access = { 0600, (uid_t) -1, (gid_t) -1 };
    int fd = -1;

    EXPECT(system_socket_bind_datagram(path, &access, &fd, NULL));
    return fd;
}

static void expect_datagram(int fd, struct str expected)
{
    char data[1000];
    ssize_t len = read(fd, data, sizeof data);

    EXPECT_STR(str_make(data, len < 0 ? 0 : (size_t) len), expected);
}

TEST(syslog_gets_a_datagram_for_each_line)
{
    int fd = open_sink(path_of("syslog"));
    struct log_transport *transport = log_transport_create(LOG_TRANSPORT_SYSLOG, path_of("syslog"), NULL, 0600);

    EXPECT_UINT(log_transport_send(transport, STR("<22>one\n<22>two\n")), 16);
    expect_datagram(fd, STR("<22>one"));
    expect_datagram(fd, STR("<22>two"));
    log_transport_destroy(&transport);
    fd_close(&fd);
}

TEST(postlogd_gets_many_lines_in_one)
{
    int fd = open_sink(path_of("postlog"));
    struct log_transport *transport = log_transport_create(LOG_TRANSPORT_POSTLOG, path_of("postlog"), NULL, 0600);

    EXPECT_UINT(log_transport_send(transport, STR("one\ntwo\n")), 8);
    expect_datagram(fd, STR("one\ntwo\n"));
    log_transport_destroy(&transport);
    fd_close(&fd);
}

TEST(a_sink_that_is_not_there_takes_nothing)
{
    struct log_transport *transport = log_transport_create(LOG_TRANSPORT_SYSLOG, path_of("nobody"), NULL, 0600);

    EXPECT_UINT(log_transport_send(transport, STR("one\n")), 0);
    log_transport_destroy(&transport);
}

TEST(the_fallback_file_has_the_host_after_the_time)
{
    char file[300], host[256] = "", expected[400];
    struct log_transport *transport;
    struct strbuf text;

    snprintf(file, sizeof file, "%s", path_of("file"));
    transport = log_transport_create(LOG_TRANSPORT_POSTLOG, path_of("nobody"), file, 0600);
    EXPECT_UINT(log_transport_send(transport, STR("Nov 22 01:02:03 a[1]: b\n")), 24);
    EXPECT(gethostname(host, sizeof host - 1) == 0);
    snprintf(expected, sizeof expected, "Nov 22 01:02:03 %s a[1]: b\n", host);
    strbuf_init(&text, 1000);
    EXPECT(file_load(file, &text, NULL));
    EXPECT_STR(strbuf_str(&text), str_from_c(expected));
    strbuf_done(&text);
    log_transport_destroy(&transport);
}
