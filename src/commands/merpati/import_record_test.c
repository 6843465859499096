/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_record.h"

#include "base/strbuf.h"
#include "os/file.h"
#include "unit.h"

#include <stdio.h>

static const char *record_path(void)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/record", unit_directory());
    return path;
}

/* context: the answer. */
static bool look(void *context, struct str here)
{
    EXPECT_STR(here, STR("H"));
    return *(bool *) context;
}

static struct str reopened(const char *text, bool is_here, bool *has_last)
{
    static struct strbuf content;
    struct import_record record;

    EXPECT(file_replace(record_path(), str_from_c(text), 0600, NULL));
    EXPECT(import_record_open(&record, record_path(), look, &is_here, NULL));
    EXPECT(import_record_has(&record, STR("A 1")));
    *has_last = import_record_has(&record, STR("B 2"));
    import_record_close(&record);
    strbuf_done(&content);
    strbuf_init(&content, STRBUF_UNLIMITED);
    EXPECT(file_load(record_path(), &content, NULL));
    return strbuf_str(&content);
}

TEST(the_queue_tells_of_the_last_line_alone)
{
    bool has_last;

    EXPECT_STR(reopened("A 1 G\nB 2 H\n", true, &has_last), STR("A 1 G\nB 2 H\n"));
    EXPECT(has_last);
    EXPECT_STR(reopened("A 1 G\nB 2 H\n", false, &has_last), STR("A 1 G\n"));
    EXPECT_FALSE(has_last);
    EXPECT_STR(reopened("A 1 G\nB 2 H\nend\n", false, &has_last), STR("A 1 G\nB 2 H\nend\n"));
    EXPECT(has_last);
}

TEST(a_line_that_was_cut_short_goes)
{
    bool has_last;

    EXPECT_STR(reopened("A 1 H\nB 2", true, &has_last), STR("A 1 H\n"));
    EXPECT_FALSE(has_last);
    EXPECT_STR(reopened("A 1 G\nend\nB 2 H\nC", true, &has_last), STR("A 1 G\nend\nB 2 H\n"));
    EXPECT(has_last);
}

TEST(what_did_not_come_leaves_no_line)
{
    CLEANUP(strbuf_done) struct strbuf content;
    struct import_record record;

    EXPECT(file_replace(record_path(), STR(""), 0600, NULL));
    EXPECT(import_record_open(&record, record_path(), look, NULL, NULL));
    EXPECT(import_record_note(&record, "A 1", "G", NULL));
    import_record_keep(&record);
    EXPECT(import_record_note(&record, "B 2", "H", NULL));
    EXPECT(import_record_cancel(&record, NULL));
    EXPECT(import_record_finish(&record, NULL));
    strbuf_init(&content, STRBUF_UNLIMITED);
    EXPECT(file_load(record_path(), &content, NULL));
    EXPECT_STR(strbuf_str(&content), STR("A 1 G\nend\n"));
}
