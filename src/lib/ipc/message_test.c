/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/message.h"

#include "base/time.h"
#include "unit.h"

struct leaf {
    struct str name;
    uint64_t size;
};

struct tree {
    bool is_green;
    uint64_t height;
    int64_t depth;
    struct instant planted;
    struct str kind;
    struct strlist birds;
    struct records leaves;
    int fd;
};

static const struct message_field leaf_fields[] = {
    MESSAGE_FIELD(struct leaf, name, FIELD_STR, 10, "what it is called"),
    MESSAGE_FIELD(struct leaf, size, FIELD_UINT, 1000, "in mm"),
};
static MESSAGE_TYPE(leaf);

static const struct message_field tree_fields[] = {
    MESSAGE_FIELD(struct tree, is_green, FIELD_BOOL, 1, "in summer"),
    MESSAGE_FIELD(struct tree, height, FIELD_UINT, UINT64_MAX, "in mm"),
    MESSAGE_FIELD(struct tree, depth, FIELD_INT, INT64_MAX, "of its roots"),
    MESSAGE_FIELD(struct tree, planted, FIELD_TIME, 0, "when"),
    MESSAGE_FIELD(struct tree, kind, FIELD_STR, 20, "botanical"),
    MESSAGE_FIELD(struct tree, birds, FIELD_STRLIST, 40, "in it"),
    MESSAGE_RECORDS(struct tree, leaves, &leaf_message, 3, "on it"),
    MESSAGE_FIELD(struct tree, fd, FIELD_FD, 0, "a descriptor"),
};
static MESSAGE_TYPE(tree);

static struct leaf sample_leaves[] = { { STR("a"), 1 }, { STR("bb"), 1000 } };

static struct tree sample(struct arena *arena)
{
    struct tree tree = {
        .is_green = true,
        .height = UINT64_MAX,
        .depth = -5,
        .planted = { -1234567 },
        .kind = STR("Quercus\0robur"),
        .leaves = { sample_leaves, 2 },
        .fd = -1,
    };

    strlist_add(&tree.birds, arena, STR("robin"));
    strlist_add(&tree.birds, arena, STR(""));
    return tree;
}

TEST(a_message_comes_back_as_it_was)
{
    struct arena *arena = arena_create();
    struct tree tree = sample(arena);
    struct tree *back;
    struct strbuf wire;
    struct failure why;
    void *message;
    int fd;

    strbuf_init(&wire, 1000);
    EXPECT(message_encode(&tree_message, &tree, &wire, &fd, &why));
    EXPECT_INT(fd, -1);
    EXPECT(message_decode(&tree_message, strbuf_str(&wire), -1, arena, &message, &why));
    back = message;
    EXPECT(back->is_green);
    EXPECT_UINT(back->height, UINT64_MAX);
    EXPECT_INT(back->depth, -5);
    EXPECT_INT(back->planted.us, -1234567);
    EXPECT_STR(back->kind, tree.kind);
    EXPECT_UINT(back->birds.count, 2);
    EXPECT_STR(back->birds.items[0], STR("robin"));
    EXPECT_STR(back->birds.items[1], STR(""));
    EXPECT_UINT(back->leaves.count, 2);
    EXPECT_STR(((struct leaf *) back->leaves.items)[1].name, STR("bb"));
    EXPECT_UINT(((struct leaf *) back->leaves.items)[1].size, 1000);
    EXPECT_INT(back->fd, -1);
    strbuf_done(&wire);
    arena_destroy(&arena);
}

TEST(every_cut_of_a_message_is_refused)
{
    struct arena *arena = arena_create();
    struct tree tree = sample(arena);
    struct strbuf wire;
    struct failure why;
    void *message;
    int fd;

    strbuf_init(&wire, 1000);
    EXPECT(message_encode(&tree_message, &tree, &wire, &fd, &why));
    for (size_t len = 0; len < wire.len; len++)
        EXPECT_FALSE(message_decode(&tree_message, str_part(strbuf_str(&wire), 0, len), -1, arena, &message, &why));
    strbuf_append_char(&wire, 0);
    EXPECT_FALSE(message_decode(&tree_message, strbuf_str(&wire), -1, arena, &message, &why));
    EXPECT_TEXT(why.text, "tree: 1 bytes after its last field");
    strbuf_done(&wire);
    arena_destroy(&arena);
}

static void expect_refused_at_both_ends(struct tree *tree, struct arena *arena, const char *text)
{
    struct strbuf wire;
    struct failure why;
    int fd;

    (void) arena;
    strbuf_init(&wire, 1000);
    EXPECT_FALSE(message_encode(&tree_message, tree, &wire, &fd, &why));
    EXPECT_TEXT(why.text, text);
    EXPECT_UINT(wire.len, 0);
    strbuf_done(&wire);
}

TEST(what_passes_a_maximum_is_not_sent)
{
    struct arena *arena = arena_create();
    struct leaf large[] = { { STR("a"), 1001 } };
    struct leaf four[4] = { { STR("a"), 1 } };
    struct tree tree = sample(arena);

    tree.kind = STR("123456789012345678901");
    expect_refused_at_both_ends(&tree, arena, "tree.kind: larger than the maximum 20");
    tree = sample(arena);
    tree.leaves = (struct records){ large, 1 };
    expect_refused_at_both_ends(&tree, arena, "leaf.size: larger than the maximum 1000");
    tree.leaves = (struct records){ four, 4 };
    expect_refused_at_both_ends(&tree, arena, "tree.leaves: larger than the maximum 3");
    tree = sample(arena);
    strlist_add(&tree.birds, arena, STR("a bird with a name too long"));
    expect_refused_at_both_ends(&tree, arena, "tree.birds: larger than the maximum 40");
    arena_destroy(&arena);
}

TEST(what_passes_a_maximum_is_not_taken)
{
    struct arena *arena = arena_create();
    struct failure why;
    void *message;

    /* name of 11 bytes; size 1001; a varint without end; a length beyond the message */
    EXPECT_FALSE(message_decode(&leaf_message,
                                STR("\x0b"
                                    "aaaaaaaaaaa\x01"),
                                -1, arena, &message, &why));
    EXPECT_FALSE(message_decode(&leaf_message,
                                STR("\x01"
                                    "a\xe9\x07"),
                                -1, arena, &message, &why));
    EXPECT_FALSE(message_decode(&leaf_message,
                                STR("\x01"
                                    "a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                                -1, arena, &message, &why));
    EXPECT_FALSE(message_decode(&leaf_message,
                                STR("\x09"
                                    "a\x01"),
                                -1, arena, &message, &why));
    EXPECT(message_decode(&leaf_message,
                          STR("\x01"
                              "a\xe8\x07"),
                          -1, arena, &message, &why));
    arena_destroy(&arena);
}

TEST(a_descriptor_must_be_announced_and_present)
{
    struct arena *arena = arena_create();
    struct tree tree = sample(arena);
    struct strbuf wire;
    struct failure why;
    void *message;
    int fd;

    strbuf_init(&wire, 1000);
    tree.fd = 7;
    EXPECT(message_encode(&tree_message, &tree, &wire, &fd, &why));
    EXPECT_INT(fd, 7);
    EXPECT_FALSE(message_decode(&tree_message, strbuf_str(&wire), -1, arena, &message, &why));
    EXPECT(message_decode(&tree_message, strbuf_str(&wire), 9, arena, &message, &why));
    EXPECT_INT(((struct tree *) message)->fd, 9);
    EXPECT_FALSE(message_decode(&leaf_message,
                                STR("\x01"
                                    "a\x01"),
                                9, arena, &message, &why));
    strbuf_done(&wire);
    arena_destroy(&arena);
}

TEST(a_frame_too_small_for_a_message_says_so)
{
    struct arena *arena = arena_create();
    struct tree tree = sample(arena);
    struct strbuf wire;
    struct failure why;
    int fd;

    strbuf_init(&wire, 20);
    EXPECT_FALSE(message_encode(&tree_message, &tree, &wire, &fd, &why));
    EXPECT_TEXT(why.text, "tree: too large for a frame");
    EXPECT_UINT(wire.len, 0);
    arena_destroy(&arena);
    strbuf_done(&wire);
}

struct safe {
    struct str owner;
    struct str combination;
};

static const struct message_field safe_fields[] = {
    MESSAGE_FIELD(struct safe, owner, FIELD_STR, 20, "whose it is"),
    MESSAGE_FIELD(struct safe, combination, FIELD_SECRET, 20, "what opens it"),
};
static MESSAGE_TYPE(safe);

TEST(a_secret_comes_back_as_it_was_and_is_never_shown)
{
    struct safe safe = { STR("ann"), STR("1234") };
    struct arena *arena = arena_create();
    struct strbuf text, bytes;
    struct failure why;
    int fd;
    void *back;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_init(&bytes, STRBUF_UNLIMITED);
    message_print(&safe_message, &safe, &text);
    EXPECT_TEXT(strbuf_c(&text), "safe owner=\"ann\" combination=(4 bytes)");
    EXPECT(message_encode(&safe_message, &safe, &bytes, &fd, &why));
    EXPECT(message_decode(&safe_message, strbuf_str(&bytes), -1, arena, &back, &why));
    EXPECT(str_equal(((struct safe *) back)->combination, STR("1234")));
    safe.combination = STR("123456789012345678901");
    EXPECT_FALSE(message_encode(&safe_message, &safe, &bytes, &fd, &why));
    strbuf_done(&text);
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(printing_shows_every_field_on_one_line)
{
    struct arena *arena = arena_create();
    struct tree tree = sample(arena);
    struct strbuf text;

    strbuf_init(&text, 1000);
    tree.height = 12;
    message_print(&tree_message, &tree, &text);
    EXPECT_TEXT(strbuf_c(&text),
                "tree is_green=yes height=12 depth=-5 planted=-1234567 kind=\"Quercus?robur\" "
                "birds=[\"robin\", \"\"] leaves={leaf name=\"a\" size=1}, {leaf name=\"bb\" size=1000} "
                "fd=-1");
    strbuf_done(&text);
    arena_destroy(&arena);
}
