/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_copy.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "spool/envelope_attributes.h"
#include "spool/maildrop_file.h"
#include "spool/queue_file.h"
#include "spool/queue_file_writer.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUED "deferred/message"

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

/* Three recipients, the second of which has its message. */
static void queue_message(struct str content)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .id = queue_id_make(77, 0, false),
                                 .sender = STR("a@example.com"),
                                 .flags = ENVELOPE_BODY_8BIT | ENVELOPE_TRACE_VERIFY,
                                 .client_name = STR("client.example"),
                                 .client_address = STR("192.0.2.7"),
                                 .rewrite = ENVELOPE_REWRITE_REMOTE,
                                 .dsn_return = DSN_RETURN_HEADERS };
    struct queue_file_writer *writer;
    struct failure why;

    for (size_t i = 0; i < 3; i++)
        envelope_add_recipient(&envelope, arena, arena_printf(arena, "r%zu@example.test", i), STR_EMPTY, STR_EMPTY,
                               i == 0 ? DSN_NOTIFY_NEVER : 0);
    envelope.recipients[2].original = STR("alias@example.test");
    envelope.recipients[2].dsn_original = STR("rfc822;first@example.test");
    envelope_add_attribute(&envelope, arena, STR("log_message_origin"), STR("client.example[192.0.2.7]"));
    envelope_add_attribute(&envelope, arena, STR(ENVELOPE_EXPANDED), STR("alias@example.test"));
    envelope_add_attribute(&envelope, arena, STR(ENVELOPE_EXPANDED_ORIGINAL), STR("rfc822;alias@example.test"));
    envelope_add_attribute(&envelope, arena, STR(ENVELOPE_EXPANDED_FROM), STR("first@example.test"));
    envelope.recipients[1].status = RECIPIENT_DELIVERED;
    EXPECT(queue_file_create(QUEUED, envelope.id, &writer, &why));
    EXPECT(queue_file_write(writer, content, &why));
    EXPECT(queue_file_finish(writer, &envelope, instant_from_seconds(1767229200), &why));
    EXPECT(queue_file_sync(writer, &why));
    queue_file_close(&writer);
    arena_destroy(&arena);
}

/* The path of the one file in maildrop/; false if there is none. */
static bool find_drop(char *path, size_t size)
{
    DIR *folder = opendir("maildrop");
    const struct dirent *entry;
    bool is_found = false;

    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        EXPECT(!is_found);
        snprintf(path, size, "maildrop/%s", entry->d_name);
        is_found = true;
    }
    closedir(folder);
    return is_found;
}

static void expect_origin(const struct maildrop_message *message)
{
    struct maildrop_recipient last;
    char id[QUEUE_ID_TEXT_SIZE];

    EXPECT_STR(message->original_id, queue_id_format(queue_id_make(77, 0, false), id));
    EXPECT_UINT(message->attributes.count, 7);
    EXPECT(strlist_contains(&message->attributes, STR("client_name=client.example")));
    EXPECT(strlist_contains(&message->attributes, STR("client_address=192.0.2.7")));
    EXPECT(strlist_contains(&message->attributes, STR("rewrite_context=remote")));
    EXPECT(strlist_contains(&message->attributes, STR("log_message_origin=client.example[192.0.2.7]")));
    EXPECT_UINT(message->recipients.count, 2);
    EXPECT_UINT(maildrop_recipient(message, 0).dsn_notify, DSN_NOTIFY_NEVER);
    EXPECT_UINT(maildrop_recipient(message, 0).original.len, 0);
    last = maildrop_recipient(message, 1);
    EXPECT_STR(last.address, STR("r2@example.test"));
    EXPECT_STR(last.original, STR("alias@example.test"));
    EXPECT_STR(last.dsn_orcpt, STR("rfc822;first@example.test"));
    EXPECT_UINT(last.dsn_notify, 0);
}

TEST(a_copy_has_the_content_and_the_recipients_that_still_wait)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    char content[100];
    char path[300];
    struct failure why;
    uint64_t offset;
    uint64_t length;
    size_t count;
    int fd;

    enter_fresh_queue();
    queue_message(STR("Subject: x\n\nbody\n"));
    EXPECT(maildrop_copy_message(QUEUED, &why));
    EXPECT(find_drop(path, sizeof(path)));
    EXPECT(maildrop_open(path, arena, &message, &fd, &offset, &length, &why));
    EXPECT_STR(message.sender, STR("a@example.com"));
    EXPECT_STR(message.encoding, STR("8bit"));
    EXPECT_STR(message.dsn_return, STR("HDRS"));
    EXPECT(message.wants_verify_report && !message.wants_delivery_report);
    expect_origin(&message);
    EXPECT(file_read_at(fd, path, content, sizeof(content), offset, &count, &why));
    EXPECT_UINT(length, 17);
    EXPECT(count >= 17 && memcmp(content, "Subject: x\n\nbody\n", 17) == 0);
    fd_close(&fd);
    arena_destroy(&arena);
}

static size_t count_expansions(unsigned flags)
{
    struct arena *arena = arena_create();
    struct maildrop_message message;
    char path[300];
    struct failure why;
    uint64_t offset;
    uint64_t length;
    size_t count = 0;
    int fd;

    enter_fresh_queue();
    queue_message(STR("Subject: x\n\nbody\n"));
    EXPECT(queue_file_append(QUEUED, NULL, 0, flags, instant_from_seconds(5), false, &why));
    EXPECT(maildrop_copy_message(QUEUED, &why));
    EXPECT(find_drop(path, sizeof(path)));
    EXPECT(maildrop_open(path, arena, &message, &fd, &offset, &length, &why));
    for (size_t i = 0; i < message.attributes.count; i++)
        count += str_starts_with(message.attributes.items[i], STR(ENVELOPE_EXPANDED));
    fd_close(&fd);
    arena_destroy(&arena);
    return count;
}

TEST(expanded_aliases_go_round_until_they_are_told_of)
{
    EXPECT_UINT(count_expansions(0), 3);
    EXPECT_UINT(count_expansions(ENVELOPE_FIRST_TOLD), 0);
}

static int fail_second_write(const struct fault_event *event, void *context)
{
    unsigned *writes = context;

    return event->operation == FAULT_WRITE && ++*writes == 2 ? ENOSPC : 0;
}

TEST(a_full_disk_leaves_no_half_copy)
{
    unsigned writes = 0;
    char path[300];
    struct failure why;
    struct strbuf content;

    enter_fresh_queue();
    strbuf_init(&content, STRBUF_UNLIMITED);
    for (size_t i = 0; i < 20000; i++)
        strbuf_append(&content, STR("a line of some length\n"));
    queue_message(strbuf_str(&content));
    strbuf_done(&content);
    fault_set_hook(fail_second_write, &writes);
    EXPECT(!maildrop_copy_message(QUEUED, &why));
    fault_set_hook(NULL, NULL);
    EXPECT_UINT(why.kind, FAILURE_NO_SPACE);
    EXPECT(!find_drop(path, sizeof(path)));
    EXPECT(access(QUEUED, F_OK) == 0);
}

TEST(what_is_no_queue_file_is_not_copied)
{
    char path[300];
    struct failure why;

    enter_fresh_queue();
    EXPECT(!maildrop_copy_message("deferred/nothing", &why));
    EXPECT(!find_drop(path, sizeof(path)));
}
