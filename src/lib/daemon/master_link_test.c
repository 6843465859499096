/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/master_link.h"

#include "base/strbuf.h"
#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"

#include "unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct packet {
    struct master_record record;
    char path[100];
};

/* A link, and master's end of it. */
static struct master_link *open_link(int *master)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    *master = ends[1];
    return master_link_create(ends[0]);
}

static ssize_t take(int master, struct packet *packet)
{
    memset(packet, 0, sizeof(*packet));
    return recv(master, packet, sizeof(*packet), 0);
}

TEST(a_state_is_one_record)
{
    struct packet packet;
    int master;
    struct master_link *link = open_link(&master);

    master_link_send(link, MASTER_BUSY, 42);
    EXPECT_FALSE(master_link_has_pending(link));
    EXPECT_INT(take(master, &packet), sizeof(struct master_record));
    EXPECT_UINT(packet.record.kind, MASTER_BUSY);
    EXPECT_UINT(packet.record.sessions, 42);
    master_link_destroy(&link);
    EXPECT(link == NULL);
    EXPECT_INT(take(master, &packet), 0);
    fd_close(&master);
}

TEST(what_does_not_fit_is_pending_until_a_record_does)
{
    struct packet packet;
    int master;
    struct master_link *link = open_link(&master);
    uint32_t sent = 0;

    while (!master_link_has_pending(link) && sent < 1000000)
        master_link_send(link, MASTER_AVAILABLE, sent++);
    EXPECT(master_link_has_pending(link));
    while (take(master, &packet) > 0)
        ;
    master_link_send(link, MASTER_AVAILABLE, 7);
    EXPECT_FALSE(master_link_has_pending(link));
    EXPECT_INT(take(master, &packet), sizeof(struct master_record));
    EXPECT_UINT(packet.record.sessions, 7);
    master_link_destroy(&link);
    fd_close(&master);
}

TEST(a_watched_file_is_told_as_it_was_seen)
{
    struct packet packet;
    struct stat status;
    char path[90];
    FILE *file;
    int master;
    struct master_link *link = open_link(&master);

    snprintf(path, sizeof(path), "%s/map", unit_directory());
    master_link_watch(link, str_from_c(path));
    EXPECT_INT(take(master, &packet), (ssize_t) (sizeof(struct master_record) + strlen(path)));
    EXPECT_UINT(packet.record.kind, MASTER_WATCH);
    EXPECT_UINT(packet.record.inode, 0);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("12345", file);
    fclose(file);
    assert_int_equal(stat(path, &status), 0);
    master_link_watch(link, str_from_c(path));
    EXPECT(take(master, &packet) > 0);
    EXPECT_TEXT(packet.path, path);
    EXPECT_UINT(packet.record.inode, status.st_ino);
    EXPECT_INT(packet.record.size, 5);
    master_link_destroy(&link);
    fd_close(&master);
}

TEST(without_master_nothing_happens)
{
    struct master_link *link = master_link_create(-1);

    master_link_send(link, MASTER_READY, 0);
    master_link_watch(link, STR("/etc/passwd"));
    EXPECT_FALSE(master_link_has_pending(link));
    EXPECT_FALSE(master_link_wait_gone(link, NULL, NULL, NULL));
    master_link_destroy(&link);
    master_link_destroy(&link);
}

struct waiting {
    struct master_link *link;
    struct loop *loop;
    int master;
    bool is_gone;
    struct strbuf heard;
};

static void hear(void *context, char word)
{
    strbuf_append_char(context, word);
}

static void wait_gone(void *context)
{
    struct waiting *waiting = context;

    waiting->is_gone = master_link_wait_gone(waiting->link, waiting->loop, hear, &waiting->heard);
}

static void end_master(void *context)
{
    struct waiting *waiting = context;

    assert_int_equal(send(waiting->master, "s", 1, 0), 1);
    assert_int_equal(send(waiting->master, "c", 1, 0), 1);
    fd_close(&waiting->master);
}

static void abort_wait(void *context)
{
    struct waiting *waiting = context;

    master_link_abort(waiting->link);
}

static bool is_gone_after(bool ends, const char *heard)
{
    struct waiting waiting = { .loop = loop_create() };

    strbuf_init(&waiting.heard, STRBUF_UNLIMITED);

    waiting.link = open_link(&waiting.master);
    fiber_start(waiting.loop, wait_gone, &waiting);
    fiber_start(waiting.loop, ends ? end_master : abort_wait, &waiting);
    loop_run(waiting.loop);
    master_link_destroy(&waiting.link);
    loop_destroy(&waiting.loop);
    fd_close(&waiting.master);
    EXPECT_STR(strbuf_str(&waiting.heard), str_from_c(heard));
    strbuf_done(&waiting.heard);
    return waiting.is_gone;
}

TEST(words_and_the_end_of_master_are_heard)
{
    EXPECT(is_gone_after(true, "sc"));
}

TEST(a_wait_that_is_aborted_says_nothing_of_master)
{
    EXPECT_FALSE(is_gone_after(false, ""));
}
