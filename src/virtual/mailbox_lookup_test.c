/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual/mailbox_lookup.h"

#include "config/shared_settings.h"
#include "unit.h"

struct bench {
    struct arena *arena;
    struct virtual_settings settings;
    struct shared_settings shared;
    struct virtual virtual;
};

static struct table_list *open_list(struct bench *bench, const char *title, const char *tables)
{
    return table_list_open(bench->virtual.tables, str_from_c(title), str_from_c(tables), TABLE_FOLD | TABLE_PARANOID);
}

static void bench_init(struct bench *bench, const char *mailboxes, const char *uids, const char *gids)
{
    struct table_set_options options = { .loop = NULL };

    memset(bench, 0, sizeof(*bench));
    bench->arena = arena_create();
    bench->settings.mailbox_base = STR("/var/mail");
    bench->settings.minimum_uid = 100;
    bench->shared.recipient_delimiter = STR("+");
    bench->virtual.settings = &bench->settings;
    bench->virtual.shared = &bench->shared;
    bench->virtual.tables = table_set_create(&options);
    bench->virtual.mailbox_maps = open_list(bench, "virtual_mailbox_maps", mailboxes);
    bench->virtual.uid_maps = open_list(bench, "virtual_uid_maps", uids);
    bench->virtual.gid_maps = open_list(bench, "virtual_gid_maps", gids);
}

static void bench_done(struct bench *bench)
{
    table_set_destroy(&bench->virtual.tables);
    arena_destroy(&bench->arena);
}

TEST(an_address_is_looked_up_whole_then_without_extension_then_by_its_domain)
{
    static const char mailboxes[] = "inline:{a+x@v.test=ax, a@v.test=a, @v.test=rest/}";
    static const struct {
        const char *address;
        const char *path;
    } rows[] = {
        { "a+x@v.test", "/var/mail/ax" }, { "A+X@V.test", "/var/mail/ax" },    { "a+y@v.test", "/var/mail/a" },
        { "a@v.test", "/var/mail/a" },    { "b+y@v.test", "/var/mail/rest/" }, { "a", NULL },
        { "a@other.test", NULL },
    };
    struct bench bench;

    bench_init(&bench, mailboxes, "static:1000", "static:1001");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mailbox_place place = { .path = STR_EMPTY };
        enum mailbox_answer answer = mailbox_lookup(&bench.virtual, str_from_c(rows[i].address), bench.arena, &place);

        EXPECT_INT(answer, rows[i].path == NULL ? MAILBOX_ABSENT : MAILBOX_FOUND);
        if (rows[i].path == NULL)
            continue;
        EXPECT_STR(place.path, str_from_c(rows[i].path));
        EXPECT_UINT(place.owner.uid, 1000);
        EXPECT_UINT(place.owner.gid, 1001);
        EXPECT(!place.is_in_spool && !place.is_user_named);
    }
    bench_done(&bench);
}

TEST(a_mailbox_without_a_sound_owner_is_no_answer)
{
    static const struct {
        const char *uids;
        const char *gids;
        enum mailbox_answer answer;
    } rows[] = {
        { "static:100", "static:1", MAILBOX_FOUND },
        { "static:99", "static:1", MAILBOX_UNKNOWN },
        { "static:0", "static:1", MAILBOX_UNKNOWN },
        { "static:100", "static:0", MAILBOX_UNKNOWN },
        { "static:-1", "static:1", MAILBOX_UNKNOWN },
        { "static:4294967295", "static:1", MAILBOX_UNKNOWN },
        { "static:100", "static:4294967295", MAILBOX_UNKNOWN },
        { "static:18446744073709551716", "static:1", MAILBOX_UNKNOWN },
        { "static:100x", "static:1", MAILBOX_UNKNOWN },
        { "static:root", "static:1", MAILBOX_UNKNOWN },
        { "inline:{other@v.test=100}", "static:1", MAILBOX_UNKNOWN },
        { "static:100", "", MAILBOX_UNKNOWN },
        { "nosuchtype:x", "static:1", MAILBOX_UNKNOWN },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct mailbox_place place;
        struct bench bench;

        bench_init(&bench, "static:box", rows[i].uids, rows[i].gids);
        EXPECT_INT(mailbox_lookup(&bench.virtual, STR("a@v.test"), bench.arena, &place), rows[i].answer);
        bench_done(&bench);
    }
}

TEST(a_table_that_cannot_be_asked_is_no_answer)
{
    struct mailbox_place place;
    struct bench bench;

    bench_init(&bench, "nosuchtype:x", "static:1000", "static:1000");
    EXPECT_INT(mailbox_lookup(&bench.virtual, STR("a@v.test"), bench.arena, &place), MAILBOX_UNKNOWN);
    bench_done(&bench);
    /* A pattern that would put a stranger's words into the path. */
    bench_init(&bench, "pcre:{{/^(.*)@/ $1}}", "static:1000", "static:1000");
    EXPECT_INT(mailbox_lookup(&bench.virtual, STR("../../x@v.test"), bench.arena, &place) == MAILBOX_FOUND, 0);
    bench_done(&bench);
}
