/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_file.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/spool.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

static void store(const char *path, struct str bytes)
{
    struct failure why;
    int fd;

    EXPECT(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, &why));
    EXPECT(file_write(fd, path, bytes, &why));
    fd_close(&fd);
}

static void load(const char *path, struct strbuf *bytes)
{
    struct failure why;

    strbuf_init(bytes, 1 << 24);
    EXPECT(file_load(path, bytes, &why));
}

static void submit(struct arena *arena)
{
    struct maildrop_message message = { .sender = STR("me@example.com"),
                                        .full_name = STR("A Name"),
                                        .wants_extraction = true,
                                        .dsn_notify = STR("NEVER") };
    struct maildrop_writer *writer;
    struct failure why;

    strlist_add(&message.recipients, arena, STR("you@example.test"));
    strlist_add(&message.recipients, arena, STR("him@example.test"));
    EXPECT(maildrop_create(&writer, &why));
    EXPECT(maildrop_write_message(writer, &message, &why));
    EXPECT(maildrop_write_content(writer, STR("Subject: x\n"), &why));
    EXPECT(maildrop_write_content(writer, STR("\nbody\n"), &why));
    store("path", str_from_c(maildrop_writer_path(writer)));
    EXPECT(maildrop_finish(&writer, &why));
    EXPECT(writer == NULL);
}

static bool open_drop(const char *path, struct arena *arena, struct maildrop_message *message, struct failure *why)
{
    uint64_t offset;
    uint64_t length;
    int fd;

    if (!maildrop_open(path, arena, message, &fd, &offset, &length, why))
        return false;
    fd_close(&fd);
    EXPECT_UINT(length, 17);
    return true;
}

TEST(a_submission_is_taken_up_as_it_was_written)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    struct strbuf path;
    struct failure why;

    enter_fresh_queue();
    submit(arena);
    load("path", &path);
    EXPECT(open_drop(strbuf_c(&path), arena, &message, &why));
    EXPECT_STR(message.sender, STR("me@example.com"));
    EXPECT_STR(message.full_name, STR("A Name"));
    EXPECT_STR(message.dsn_notify, STR("NEVER"));
    EXPECT(message.wants_extraction);
    EXPECT_FALSE(message.wants_smtputf8);
    EXPECT_UINT(message.uid, geteuid());
    EXPECT_UINT(message.recipients.count, 2);
    EXPECT_STR(message.recipients.items[1], STR("him@example.test"));
    strbuf_done(&path);
    arena_destroy(&arena);
}

TEST(a_damaged_or_unfinished_submission_is_refused)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    struct strbuf path;
    struct strbuf bytes;
    struct failure why;

    enter_fresh_queue();
    submit(arena);
    load("path", &path);
    load(strbuf_c(&path), &bytes);
    store("maildrop/y", strbuf_str(&bytes));
    EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
    EXPECT(chmod("maildrop/y", 0700) == 0);
    EXPECT(open_drop("maildrop/y", arena, &message, &why));
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
        store("maildrop/y", strbuf_str(&bytes));
        EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
        EXPECT_INT(why.kind, FAILURE_PERMANENT);
        bytes.data[bit / 8] = (char) (bytes.data[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < bytes.len; len++) {
        store("maildrop/y", str_part(strbuf_str(&bytes), 0, len));
        EXPECT_FALSE(open_drop("maildrop/y", arena, &message, &why));
    }
    EXPECT(symlink("y", "maildrop/z") == 0);
    EXPECT_FALSE(open_drop("maildrop/z", arena, &message, &why));
    strbuf_done(&bytes);
    strbuf_done(&path);
    arena_destroy(&arena);
}

TEST(a_submission_without_a_message_leaves_no_file)
{
    struct maildrop_writer *writer;
    char path[200];
    struct failure why;

    enter_fresh_queue();
    EXPECT(maildrop_create(&writer, &why));
    snprintf(path, sizeof(path), "%s", maildrop_writer_path(writer));
    EXPECT(file_exists(path));
    EXPECT_FALSE(maildrop_finish(&writer, &why));
    EXPECT(writer == NULL);
    EXPECT_FALSE(file_exists(path));
}
