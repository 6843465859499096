/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/message_keys.h"

#include "base/strbuf.h"

#include "unit.h"

static bool append(void *context, bool is_header, struct str key, struct failure *why)
{
    (void) why;
    return strbuf_printf(context, "%c%.*s|", is_header ? 'h' : 'b', STR_ARG(key));
}

static void expect(const char *message, bool parses_mime, const char *expected)
{
    struct strbuf keys;
    struct failure why;

    strbuf_init(&keys, STRBUF_UNLIMITED);
    EXPECT(message_keys_walk(str_from_c(message), parses_mime, append, &keys, &why));
    EXPECT_TEXT(strbuf_c(&keys), expected);
    strbuf_done(&keys);
}

TEST(without_mime_what_follows_the_first_header_is_body)
{
    expect("S: x\n y\n\na\n\nT: b", false, "hS: x\n y|b|ba|b|bT: b|");
    expect("S : x\nT:\nUno\n", false, "hS: x|hT:|b|bUno|");
    expect(" lead\nS: x\n", false, "b|b lead|bS: x|");
    expect("S: x\n", false, "hS: x|");
    expect("", false, "");
}

TEST(parts_have_headers)
{
    expect("Content-Type: multipart/mixed; boundary=\"a b\"\n\npre\n--a b\nS: x\n\nb\n--a b\nno\n--a b--\nT: y\n", true,
           "hContent-Type: multipart/mixed; boundary=\"a b\"|b|bpre|b--a b|hS: x|b|bb|b--a b|bno|b--a b--|bT: y|");
}

TEST(attached_messages_have_headers)
{
    expect("Content-Type: message/rfc822\n\nS: x\n\nT: y\n", true, "hContent-Type: message/rfc822|b|hS: x|b|bT: y|");
    expect("Content-Type: message/partial\n\nS: x\n", true, "hContent-Type: message/partial|b|bS: x|");
    expect("Content-Type: multipart/digest; boundary=a\n\n--a\n\nS: x\n\nb\n", true,
           "hContent-Type: multipart/digest; boundary=a|b|b--a|b|hS: x|b|bb|");
}

TEST(an_outer_boundary_ends_what_is_inside)
{
    expect(
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nT: x\n\n"
        "--a\nV: x\n\n--b\nW: x\n",
        true,
        "hContent-Type: multipart/mixed; boundary=a|b|b--a|hContent-Type: multipart/mixed; boundary=b|b|b--b|hT: x|b|"
        "b--a|hV: x|b|b--b|bW: x|");
}

TEST(the_boundary_is_found_behind_comments_and_quotes)
{
    expect("Content-Type: (c) multipart (x) / mixed ; x=y; BOUNDARY = (z) \"a\\\"b\"\n\n--a\"b\nS: x\n", true,
           "hContent-Type: (c) multipart (x) / mixed ; x=y; BOUNDARY = (z) \"a\\\"b\"|b|b--a\"b|hS: x|");
}

TEST(a_boundary_in_a_header_ends_it)
{
    expect("Content-Type: multipart/mixed; boundary=a\n\n--a\nT: x\n--a\nV: x\n", true,
           "hContent-Type: multipart/mixed; boundary=a|b|b--a|hT: x|b--a|hV: x|");
}
