/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/mime_downgrade.h"

#include "base/arena.h"
#include "unit.h"

static void expect_pieces(struct str content, size_t piece, struct str expected)
{
    struct mime_downgrade *downgrade = mime_downgrade_create();
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < content.len; i += piece)
        mime_downgrade_add(downgrade, str_part(content, i, piece), &out);
    mime_downgrade_end(downgrade, &out);
    EXPECT_STR(strbuf_str(&out), expected);
    strbuf_done(&out);
    mime_downgrade_destroy(&downgrade);
}

/* However the content is cut. */
static void expect_downgrade(const char *content, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(content) + 1; piece++)
        expect_pieces(str_from_c(content), piece, str_from_c(expected));
}

TEST(an_8_bit_text_becomes_quoted_printable)
{
    expect_downgrade("Content-Transfer-Encoding: 8bit\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n"
                     "gr\xc3\xbcn = 1 \n.\nend",
                     "Subject: x\nContent-Type: text/plain; charset=utf-8\n"
                     "Content-Transfer-Encoding: quoted-printable\n\ngr=C3=BCn =3D 1=20\n.\nend\n");
}

TEST(what_is_7_bit_or_no_mime_is_left_alone)
{
    static const char *const rows[] = {
        "Subject: x\n\ngr\xc3\xbcn = 1\n",
        "Content-Transfer-Encoding: base64\n\nZ3LDvG4=\n",
        "Content-Transfer-Encoding: 7bit\n\na = b\n",
        "Subject: only a header\n",
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_downgrade(rows[i], rows[i]);
}

TEST(each_part_of_a_multipart_is_judged_by_itself)
{
    expect_downgrade("MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"a b\"\n"
                     "Content-Transfer-Encoding: 8bit\n\npreamble =\n--a b\n"
                     "Content-Transfer-Encoding: 8bit\n\n\xc3\xa4\n--a b\nContent-Type: text/html\n\na = b\n"
                     "--a b--\nepilogue =\n",
                     "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"a b\"\n"
                     "Content-Transfer-Encoding: 7bit\n\npreamble =\n--a b\n"
                     "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n--a b\nContent-Type: text/html\n\na = b\n"
                     "--a b--\nepilogue =\n");
}

TEST(parts_inside_parts_and_messages_inside_messages_are_reached)
{
    expect_downgrade("Content-Type: multipart/mixed; boundary=out\n\n--out\n"
                     "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
                     "Subject: inner\nContent-Type: multipart/alternative; boundary=in\n\n--in\n"
                     "Content-Transfer-Encoding: 8BIT\n\n\xc3\xa4\n--in--\n--out--\n",
                     "Content-Type: multipart/mixed; boundary=out\n\n--out\n"
                     "Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
                     "Subject: inner\nContent-Type: multipart/alternative; boundary=in\n\n--in\n"
                     "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n--in--\n--out--\n");
}

/* RFC 6532 section 3.7, RFC 6533: unlike message/rfc822 they may be encoded, and their headers have to be. */
TEST(other_messages_are_encoded_as_a_whole)
{
    static const char *const types[] = {
        "message/global",  "message/global-headers",  "message/global-delivery-status",
        "message/partial", "message/delivery-status", "message/rfc822x",
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        struct str content = arena_printf(arena,
                                          "Content-Type: multipart/report; boundary=b\n\n--b\n"
                                          "Content-Type: %s\nContent-Transfer-Encoding: 8bit\n\n"
                                          "Subject: \xc3\xbc\nContent-Transfer-Encoding: 8bit\n\n\xc3\xa4\n--b--\n",
                                          types[i]);
        struct str expected = arena_printf(arena,
                                           "Content-Type: multipart/report; boundary=b\n\n--b\n"
                                           "Content-Type: %s\nContent-Transfer-Encoding: quoted-printable\n\n"
                                           "Subject: =C3=BC\nContent-Transfer-Encoding: 8bit\n\n=C3=A4\n--b--\n",
                                           types[i]);

        expect_downgrade(content.data, expected.data);
    }
    arena_destroy(&arena);
}

TEST(a_line_is_a_boundary_if_it_begins_as_one)
{
    expect_downgrade("Content-Type: multipart/mixed; boundary=a\n\n--a and more\n"
                     "Content-Transfer-Encoding: 8bit\n\n\xc3\xa4\n--ab\n"
                     "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
                     "Content-Transfer-Encoding: 8bit\n\n\xc3\xa4\n--ab--\n--a--\n",
                     "Content-Type: multipart/mixed; boundary=a\n\n--a and more\n"
                     "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n--ab\n"
                     "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
                     "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n--ab--\n--a--\n");
}

TEST(the_last_of_several_encodings_counts)
{
    expect_downgrade("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: 8bit\nSubject: x\n\n\xc3\xa4\n",
                     "Content-Transfer-Encoding: 7bit\nSubject: x\n"
                     "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4\n");
    expect_downgrade("Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n\n\xc3\xa4\n",
                     "Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: 7bit\n\n\xc3\xa4\n");
}

TEST(long_lines_get_soft_ends)
{
    struct mime_downgrade *downgrade = mime_downgrade_create();
    struct strbuf out;
    struct str rest, line;

    strbuf_init(&out, STRBUF_UNLIMITED);
    mime_downgrade_add(downgrade, STR("Content-Transfer-Encoding: 8bit\n\n"), &out);
    for (int i = 0; i < 50000; i++)
        mime_downgrade_add(downgrade, STR("\xc3\xa4x"), &out);
    mime_downgrade_end(downgrade, &out);
    rest = strbuf_str(&out);
    while (str_cut(rest, '\n', &line, &rest))
        EXPECT(line.len <= 76);
    strbuf_done(&out);
    mime_downgrade_destroy(&downgrade);
}
