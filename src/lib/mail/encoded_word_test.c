/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/encoded_word.h"

#include "unit.h"

static void expect_words(struct str charset, struct str text, struct str expected)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    EXPECT(encoded_words_append(&out, charset, text));
    EXPECT_STR(strbuf_str(&out), expected);
    strbuf_done(&out);
}

TEST(a_name_is_encoded_in_the_shorter_way)
{
    expect_words(STR("utf-8"), STR("J\xc3\xbcrgen Gr\xc3\xbc\xc3\x9f"), STR("=?utf-8?B?SsO8cmdlbiBHcsO8w58=?="));
    expect_words(STR("utf-8"), STR("J\xc3\xbcrgen A Longer-Name"), STR("=?utf-8?Q?J=C3=BCrgen_A_Longer-Name?="));
    expect_words(STR("iso-8859-1"), STR("J\xfcrgen"), STR("=?iso-8859-1?Q?J=FCrgen?="));
    expect_words(STR("utf-8"), STR("\xe2\x82\xac\xe2\x82\xac"), STR("=?utf-8?B?4oKs4oKs?="));
    expect_words(STR("utf-8"), STR("\xe2\x82\xac\xe2\x82"), STR("=?utf-8?B?4oKs4oI=?="));
    expect_words(STR("utf-8"), STR_EMPTY, STR_EMPTY);
}

TEST(a_long_name_is_several_words_of_whole_characters)
{
    struct str name =
        STR("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
            "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
            "\xe2\x82\xac");

    expect_words(STR("utf-8"), name,
                 STR("=?utf-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?= =?utf-8?B?4oKs4oKs?="));
}
