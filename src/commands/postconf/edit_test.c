/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/edit.h"

#include "unit.h"

static void expect_edited(const char *text, bool is_master, struct edit edit, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    edit_apply(str_from_c(text), is_master, &edit, 1, &out);
    EXPECT_STR(strbuf_str(&out), str_from_c(expected));
    strbuf_done(&out);
}

static const char main_cf[] = "# c\na = 1\n  2\n# inside\n\n\t3\nb = 4\na=5\n";

TEST(an_entry_is_replaced_wherever_it_stands)
{
    expect_edited(main_cf, false, (struct edit){ .action = EDIT_SET, .key = STR("a"), .text = STR("a = new") },
                  "# c\na = new\n# inside\n\nb = 4\na = new\n");
}

TEST(a_new_entry_goes_to_the_end)
{
    expect_edited("a = 1", false, (struct edit){ .action = EDIT_SET, .key = STR("z"), .text = STR("z = 1") },
                  "a = 1\nz = 1\n");
}

TEST(an_entry_is_commented_out_with_its_continuation)
{
    expect_edited(main_cf, false, (struct edit){ .action = EDIT_COMMENT_OUT, .key = STR("a") },
                  "# c\n#a = 1\n#  2\n# inside\n\n#\t3\nb = 4\n#a=5\n");
}

TEST(an_entry_is_removed_and_comments_stay)
{
    expect_edited(main_cf, false, (struct edit){ .action = EDIT_REMOVE, .key = STR("a") }, "# c\n# inside\n\nb = 4\n");
    expect_edited(main_cf, false, (struct edit){ .action = EDIT_REMOVE, .key = STR("nothere") },
                  "# c\na = 1\n  2\n# inside\n\n\t3\nb = 4\na=5\n");
}

TEST(services_are_named_by_name_and_type)
{
    static const char master_cf[] = "a unix - - n - - x\n  -o b=c\na inet n - n - - y\n";

    expect_edited(master_cf, true, (struct edit){ .action = EDIT_REMOVE, .key = STR("a/unix") },
                  "a inet n - n - - y\n");
    expect_edited(master_cf, true, (struct edit){ .action = EDIT_COMMENT_OUT, .key = STR("a") },
                  "#a unix - - n - - x\n#  -o b=c\n#a inet n - n - - y\n");
    expect_edited(
        master_cf, true,
        (struct edit){
            .action = EDIT_SET, .key = STR("a/fifo"), .other_key = STR("a/inet"), .text = STR("a inet n - n - - z") },
        "a unix - - n - - x\n  -o b=c\na inet n - n - - z\n");
}
