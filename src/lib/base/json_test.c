/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "unit.h"

TEST(what_json_wants_escaped_is_escaped)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    EXPECT(json_append_string(&out, STR("a \"b\" \\ \n\x7f \xc3\xa9")));
    EXPECT_TEXT(strbuf_c(&out), "\"a \\\"b\\\" \\\\ \\u000A\\u007F \xc3\xa9\"");
    strbuf_done(&out);
}

TEST(a_full_buffer_is_told)
{
    struct strbuf out;

    strbuf_init(&out, 4);
    EXPECT_FALSE(json_append_string(&out, STR("abcdef")));
    strbuf_done(&out);
}
