/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/content_edit.h"

#include "unit.h"

static const char message[] = "Received: here\n"
                              "Received: there\n"
                              "Subject: one\n"
                              "To: a\n"
                              " b\n"
                              "subject: two\n"
                              "\n"
                              "body\n";

enum { BODY_BYTES = 6 };

static void open_message(struct content_edit *edit, const char *text, size_t body_bytes)
{
    struct strbuf content;
    struct journal_file *file = NULL;
    struct content_edit_options options = {
        .memory_limit = 4096, .content = &content, .file = &file, .header_bytes = strlen(text) - body_bytes
    };
    struct failure why;

    strbuf_init(&content, STRBUF_UNLIMITED);
    strbuf_append_c(&content, text);
    EXPECT(content_edit_open(edit, &options, &why));
    EXPECT_UINT(content.len, 0);
}

/* What it is now, from its beginning on. */
static void expect_all(struct content_edit *edit, struct str expected)
{
    struct strbuf all;
    uint64_t offset = 0;
    struct failure why;
    struct str piece;

    strbuf_init(&all, STRBUF_UNLIMITED);
    do {
        EXPECT(content_edit_read_all(edit, &offset, &piece, &why));
        strbuf_append(&all, piece);
    } while (piece.len > 0);
    EXPECT_STR(strbuf_str(&all), expected);
    strbuf_done(&all);
}

static void expect_fields(const struct content_edit *edit, const char *expected)
{
    struct strbuf names;
    size_t offset = 0;
    struct str name, value;

    strbuf_init(&names, STRBUF_UNLIMITED);
    while (content_edit_next_field(edit, &offset, &name, &value))
        strbuf_printf(&names, "%.*s:%.*s|", STR_ARG(name), STR_ARG(value));
    EXPECT_STR(strbuf_str(&names), str_from_c(expected));
    strbuf_done(&names);
}

TEST(the_received_field_of_this_server_is_hidden_wherever_it_moves_to)
{
    struct content_edit edit;

    open_message(&edit, message, BODY_BYTES);
    expect_fields(&edit, "Received: there|Subject: one|To: a\n b|subject: two|");
    content_edit_insert(&edit, 0, STR("X"), STR(" y"));
    content_edit_insert(&edit, 1, STR("Z"), STR(" long enough to move it"));
    expect_fields(&edit, "X: y|Z: long enough to move it|Received: there|Subject: one|To: a\n b|subject: two|");
    content_edit_delete(&edit, 1, STR("z"));
    content_edit_delete(&edit, 1, STR("Received"));
    content_edit_delete(&edit, 1, STR("Received"));
    expect_fields(&edit, "X: y|Subject: one|To: a\n b|subject: two|");
    expect_all(&edit, STR("X: y\nReceived: here\nSubject: one\nTo: a\n b\nsubject: two\n\nbody\n"));
    content_edit_done(&edit);
}

TEST(what_rules_put_in_front_of_the_hidden_field_is_seen)
{
    struct content_edit edit;

    open_message(&edit, "X: rule\nReceived: here\nReceived: there\n\n", 1);
    expect_fields(&edit, "X: rule|Received: there|");
    content_edit_delete(&edit, 1, STR("Received"));
    content_edit_delete(&edit, 1, STR("X"));
    expect_fields(&edit, "");
    expect_all(&edit, STR("Received: here\n\n"));
    content_edit_done(&edit);
}

TEST(fields_are_counted_by_name_or_all)
{
    const struct content_edit_field new = { STR("Subject"), STR(" new") }, third = { STR("Subject"), STR(" third") };
    struct content_edit edit;

    open_message(&edit, message, BODY_BYTES);
    content_edit_change(&edit, 2, STR("SUBJECT"), &new);
    content_edit_change(&edit, 3, STR("Subject"), &third);
    content_edit_delete(&edit, 9, STR("Subject"));
    content_edit_delete(&edit, 0, STR("Subject"));
    content_edit_insert(&edit, 2, STR("Here"), STR(" x"));
    content_edit_insert(&edit, 4000000000, STR("Last"), STR(" x"));
    expect_all(&edit, STR("Received: here\nReceived: there\nHere: x\nTo: a\n b\nSubject: new\nSubject: third\nLast: x\n"
                          "\nbody\n"));
    content_edit_done(&edit);
}

TEST(what_is_undone_was_never_there)
{
    struct content_edit edit;
    struct failure why;

    open_message(&edit, message, BODY_BYTES);
    content_edit_insert(&edit, 0, STR("X"), STR(" y"));
    EXPECT(content_edit_add_body(&edit, STR("half"), &why));
    expect_all(&edit, STR("X: y\nReceived: here\nReceived: there\nSubject: one\nTo: a\n b\nsubject: two\n\nbody\n"));
    content_edit_undo(&edit);
    expect_all(&edit, str_from_c(message));
    expect_fields(&edit, "Received: there|Subject: one|To: a\n b|subject: two|");
    EXPECT_FALSE(edit.is_changed);
    content_edit_add(&edit, STR("Kept"), STR(" x"));
    EXPECT(content_edit_keep(&edit, &why));
    content_edit_add(&edit, STR("Lost"), STR(" x"));
    content_edit_undo(&edit);
    EXPECT(edit.is_changed);
    expect_all(&edit, STR("Received: here\nReceived: there\nSubject: one\nTo: a\n b\nsubject: two\nKept: x\n\nbody\n"));
    content_edit_done(&edit);
}

TEST(a_new_body_takes_the_place_of_the_old_one_when_it_is_kept)
{
    struct content_edit edit;
    uint64_t offset = 0;
    struct failure why;
    struct str piece;

    open_message(&edit, "A: b\n\nold\n", 5);
    EXPECT(content_edit_read_body(&edit, &offset, &piece, &why));
    EXPECT_STR(piece, STR("old\n"));
    EXPECT(content_edit_read_body(&edit, &offset, &piece, &why));
    EXPECT_UINT(piece.len, 0);
    EXPECT(content_edit_add_body(&edit, STR("one\ntw"), &why));
    EXPECT(content_edit_add_body(&edit, STR("o"), &why));
    EXPECT(content_edit_keep(&edit, &why));
    expect_all(&edit, STR("A: b\n\none\ntwo\n"));
    EXPECT(content_edit_add_body(&edit, STR_EMPTY, &why));
    EXPECT(content_edit_keep(&edit, &why));
    expect_all(&edit, STR("A: b\n\n"));
    content_edit_done(&edit);
}

TEST(a_message_may_have_no_header_or_no_body)
{
    struct content_edit edit;
    struct failure why;

    open_message(&edit, "\nbody\n", BODY_BYTES);
    expect_fields(&edit, "");
    content_edit_add(&edit, STR("A"), STR(" b"));
    expect_all(&edit, STR("A: b\n\nbody\n"));
    content_edit_done(&edit);
    open_message(&edit, "A: b\n", 0);
    EXPECT(content_edit_add_body(&edit, STR("new\n"), &why));
    EXPECT(content_edit_keep(&edit, &why));
    expect_all(&edit, STR("A: b\n\nnew\n"));
    content_edit_done(&edit);
}

TEST(a_header_that_is_too_long_is_told)
{
    struct strbuf content;
    struct journal_file *file = NULL;
    struct content_edit_options options = { .content = &content,
                                            .file = &file,
                                            .header_bytes = CONTENT_EDIT_HEADER_MAXIMUM + 1 };
    struct content_edit edit;
    struct failure why;

    strbuf_init(&content, STRBUF_UNLIMITED);
    EXPECT_FALSE(content_edit_open(&edit, &options, &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
    content_edit_done(&edit);
}
