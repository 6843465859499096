/* SPDX-License-Identifier: Apache-2.0 */
#include "log/transport.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "base/time.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH_LINES = 64, DATAGRAM_MAX = 32768 };

struct log_transport {
    enum log_transport_kind kind;
    char *path;
    char *fallback_path;
    unsigned fallback_mode;
    int fd;
    struct instant next_try;
};

static char *copy_text(const char *text)
{
    char *copy;

    if (text == NULL)
        return NULL;
    copy = memory_alloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    return copy;
}

static bool is_connected(struct log_transport *transport)
{
    struct instant now;

    if (transport->fd >= 0)
        return true;
    now = clock_monotonic();
    if (instant_is_before(now, transport->next_try))
        return false;
    transport->next_try = instant_add(now, seconds(1));
    return system_socket_connect_datagram(transport->path, &transport->fd, NULL);
}

struct log_transport *log_transport_create(enum log_transport_kind kind, const char *path, const char *fallback_path,
                                           unsigned fallback_mode)
{
    struct log_transport *transport = memory_alloc(sizeof *transport);

    transport->kind = kind;
    transport->path = copy_text(path);
    transport->fallback_path = copy_text(fallback_path);
    transport->fallback_mode = fallback_mode;
    transport->fd = -1;
    transport->next_try.us = INT64_MIN;
    (void) is_connected(transport);
    return transport;
}

void log_transport_destroy(struct log_transport **transport)
{
    if (*transport == NULL)
        return;
    fd_close(&(*transport)->fd);
    memory_free((*transport)->path);
    memory_free((*transport)->fallback_path);
    memory_free(*transport);
    *transport = NULL;
}

/* The sink is gone, not merely slow: the next call connects anew. */
static void judge(struct log_transport *transport, int error)
{
    if (error != EAGAIN && error != EINTR && error != ENOBUFS && error != ENOMEM)
        fd_close(&transport->fd);
}

static size_t send_each(struct log_transport *transport, struct str lines)
{
    struct mmsghdr messages[BATCH_LINES] = { 0 };
    struct iovec parts[BATCH_LINES];
    struct str line, rest = lines;
    size_t count = 0, done = 0;
    int sent;

    while (count < BATCH_LINES && rest.len > 0) {
        (void) str_cut(rest, '\n', &line, &rest);
        parts[count] = (struct iovec){ (void *) (uintptr_t) line.data, line.len };
        messages[count].msg_hdr.msg_iov = &parts[count];
        messages[count].msg_hdr.msg_iovlen = 1;
        count++;
    }
    sent = sendmmsg(transport->fd, messages, (unsigned) count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        judge(transport, errno);
        return 0;
    }
    for (int i = 0; i < sent; i++)
        done += parts[i].iov_len + 1;
    return done;
}

static size_t send_together(struct log_transport *transport, struct str lines)
{
    struct str batch = str_part(lines, 0, DATAGRAM_MAX);

    batch.len = str_find_last_char(batch, '\n') + 1;
    if (send(transport->fd, batch.data, batch.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        judge(transport, errno);
        return 0;
    }
    return batch.len;
}

/* What a line begins with: "Nov 22 01:02:03 ", after which a file has the host's name. */
enum { STAMP_LEN = 16 };

/* Before master made postlogd's socket, and after it is gone: lines as postlogd would write them. */
static size_t append_to_file(struct log_transport *transport, struct str lines)
{
    CLEANUP(fd_close) int fd = -1;
    char host[256] = "localhost";
    struct str line, rest = lines;
    struct strbuf text;
    bool is_written;

    if (!file_open(transport->fallback_path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT, transport->fallback_mode, &fd,
                   NULL))
        return 0;
    (void) !gethostname(host, sizeof host - 1);
    strbuf_init(&text, STRBUF_UNLIMITED);
    while (str_cut(rest, '\n', &line, &rest))
        strbuf_printf(&text, "%.*s%s %.*s\n", STR_ARG(str_part(line, 0, STAMP_LEN)), host,
                      STR_ARG(str_from(line, STAMP_LEN)));
    is_written = file_write(fd, transport->fallback_path, strbuf_str(&text), NULL);
    strbuf_done(&text);
    return is_written ? lines.len : 0;
}

size_t log_transport_send(struct log_transport *transport, struct str lines)
{
    if (!is_connected(transport))
        return transport->fallback_path != NULL ? append_to_file(transport, lines) : 0;
    return transport->kind == LOG_TRANSPORT_SYSLOG ? send_each(transport, lines) : send_together(transport, lines);
}

void log_transport_wait(struct log_transport *transport, int milliseconds)
{
    struct pollfd entry = { .fd = transport->fd, .events = POLLOUT };

    if (transport->fd >= 0)
        (void) poll(&entry, 1, milliseconds);
}
