/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header.h"

#include "unit.h"

TEST(header_names_are_known_in_any_case)
{
    EXPECT_INT(header_kind_find(STR("message-ID"))->type, HEADER_MESSAGE_ID);
    EXPECT_INT(header_kind_find(STR("Apparently-To"))->flags, HEADER_RECIPIENT);
    EXPECT_INT(header_kind_find(STR("to"))->type, HEADER_TO);
    EXPECT_INT(header_kind_find(STR("Resent-To"))->type, HEADER_RESENT_TO);
    EXPECT_INT(header_kind_find(STR("X-Other"))->type, HEADER_OTHER);
    EXPECT_STR(header_kind_find(STR("zzz"))->name, STR(""));
}

TEST(a_header_line_has_a_printable_name_and_a_colon)
{
    EXPECT_UINT(header_name_length(STR("Subject: x")), 7);
    EXPECT_UINT(header_name_length(STR("Subject \t: x")), 7);
    EXPECT_UINT(header_name_length(STR("Subject x: y")), 0);
    EXPECT_UINT(header_name_length(STR(": x")), 0);
    EXPECT_UINT(header_name_length(STR("no colon")), 0);
    EXPECT_UINT(header_name_length(STR("S\xc3\xa9: x")), 0);
    EXPECT_UINT(header_name_length(STR("")), 0);
    EXPECT_UINT(header_name_length(STR("From me@x Sat Jan 1 12:00:00")), 0);
}

TEST(fields_are_taken_one_by_one_with_their_folds)
{
    struct str rest = STR("A: 1\nB : 2\n  x\n\ty\nC:\n\nbody: no\n");
    struct header_field field;

    EXPECT(header_take_field(&rest, &field));
    EXPECT_STR(field.name, STR("A"));
    EXPECT_STR(field.value, STR("1"));
    EXPECT(header_take_field(&rest, &field));
    EXPECT_STR(field.name, STR("B"));
    EXPECT_STR(field.value, STR("2\n  x\n\ty"));
    EXPECT_STR(field.whole, STR("B : 2\n  x\n\ty\n"));
    EXPECT(header_take_field(&rest, &field));
    EXPECT_STR(field.value, STR(""));
    EXPECT_FALSE(header_take_field(&rest, &field));
    EXPECT_STR(rest, STR("\nbody: no\n"));
    rest = STR("Last: line");
    EXPECT(header_take_field(&rest, &field));
    EXPECT_STR(field.value, STR("line"));
    EXPECT(header_find_field(STR("A: 1\nb: 2\nB: 3\n"), STR("B"), &field));
    EXPECT_STR(field.value, STR("2"));
    EXPECT_FALSE(header_find_field(STR("A: 1\n\nB: 3\n"), STR("B"), &field));
}

TEST(folds_come_off_and_go_on)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    EXPECT(header_unfold(&out, STR("a\n  b\n\tc\n")));
    EXPECT_STR(strbuf_str(&out), STR("a b c"));
    strbuf_clear(&out);
    EXPECT(header_fold(&out, STR("To"),
                       STR("first.person@one.example, second.person@two.example, third@three.example,\n\tx@y")));
    EXPECT_STR(strbuf_str(&out), STR("To: first.person@one.example, second.person@two.example, third@three.example,\n"
                                     "\tx@y\n"));
    strbuf_clear(&out);
    EXPECT(header_fold(&out, STR("X"), STR("")));
    EXPECT_STR(strbuf_str(&out), STR("X:\n"));
    strbuf_done(&out);
}
