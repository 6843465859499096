/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_walk.h"

#include "os/file.h"
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct heard {
    unsigned count;
    unsigned limit; /* ends the walk there; 0: never */
    struct strbuf senders;
};

static bool hear(void *context, struct str name, const struct maildrop_message *message, uint64_t size)
{
    struct heard *heard = context;

    EXPECT(name.len > 0);
    EXPECT(size > 0);
    strbuf_append(&heard->senders, message->sender);
    return ++heard->count != heard->limit;
}

static void submit(const char *sender)
{
    struct maildrop_message message = { .sender = str_from_c(sender) };
    struct arena *arena = arena_create();
    struct maildrop_writer *writer;
    struct failure why;

    strlist_add(&message.recipients, arena, STR("b@example.com"));
    EXPECT(maildrop_create(&writer, &why));
    EXPECT(maildrop_write_message(writer, &message, &why));
    EXPECT(maildrop_write_content(writer, STR("Subject: x\n\ny\n"), &why));
    EXPECT(maildrop_finish(&writer, &why));
    arena_destroy(&arena);
}

static void put_file(const char *name, mode_t mode)
{
    char path[100];

    (void) snprintf(path, sizeof path, "maildrop/%s", name);
    EXPECT(file_replace(path, STR("no message"), 0600, NULL));
    EXPECT(chmod(path, mode) == 0);
}

static unsigned walk(unsigned limit)
{
    struct arena *arena = arena_create();
    struct heard heard = { .limit = limit };
    struct failure why;

    strbuf_init(&heard.senders, STRBUF_UNLIMITED);
    EXPECT(maildrop_walk(arena, hear, &heard, &why));
    if (limit == 0 && heard.count == 1)
        EXPECT_STR(strbuf_str(&heard.senders), STR("a@example.com"));
    strbuf_done(&heard.senders);
    arena_destroy(&arena);
    return heard.count;
}

TEST(messages_are_given_and_what_is_none_is_passed_over)
{
    EXPECT(chdir(unit_directory()) == 0);
    EXPECT(mkdir("maildrop", 0700) == 0);
    EXPECT_UINT(walk(0), 0);
    submit("a@example.com");
    put_file("being-written", 0600);
    put_file("damaged", 0700);
    EXPECT_UINT(walk(0), 1);
    submit("c@example.com");
    EXPECT_UINT(walk(0), 2);
    EXPECT_UINT(walk(1), 1);
}

TEST(a_folder_that_is_not_there_is_a_failure)
{
    struct arena *arena = arena_create();
    struct heard heard = { 0 };
    struct failure why;

    EXPECT(chdir("/") == 0);
    EXPECT_FALSE(maildrop_walk(arena, hear, &heard, &why));
    arena_destroy(&arena);
}
