/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/generic_headers.h"

#include "unit.h"

/* "me@in" becomes "you@out.test"; "bad@in" cannot be told. */
static enum table_result map(void *context, struct arena *arena, struct str *address, struct failure *why)
{
    (void) context, (void) arena;
    if (str_equal(*address, STR("bad@in")) && failure_set(why, FAILURE_RETRY, 0, "no answer"))
        return TABLE_FOUND;
    if (str_equal(*address, STR("bad@in")))
        return TABLE_UNKNOWN;
    if (!str_equal(*address, STR("me@in")))
        return TABLE_ABSENT;
    *address = STR("you@out.test");
    return TABLE_FOUND;
}

static bool filter(struct str text, size_t piece, struct strbuf *out)
{
    struct generic_headers *headers = generic_headers_create(map, NULL, 3);
    struct failure why;
    bool is_good = true;

    strbuf_clear(out);
    for (; is_good && text.len > 0; text = str_from(text, piece))
        is_good = generic_headers_add(headers, str_part(text, 0, piece), false, out, &why);
    is_good = is_good && generic_headers_add(headers, STR_EMPTY, true, out, &why);
    generic_headers_destroy(&headers);
    EXPECT(headers == NULL);
    return is_good;
}

static const struct {
    const char *text;
    const char *mapped;
} cases[] = {
    { "From: me@in\n\nFrom: me@in\n", "From: you@out.test\n\nFrom: me@in\n" },
    { "To: A <me@in> (c),\n\tb@in,\n \"q, me@in\" <me@in>\nSubject: me@in\n\n",
      "To: A <you@out.test> (c),\n\tb@in,\n \"q, me@in\" <you@out.test>\nSubject: me@in\n\n" },
    { "Received: from me@in\nDelivered-To: me@in\nX-To: me@in\n\nb",
      "Received: from me@in\nDelivered-To: me@in\nX-To: me@in\n\nb" },
    { "To: me@in, me@in, me@in, me@in\n\n", "To: you@out.test, you@out.test, you@out.test, me@in\n\n" },
    { "To: g: me@in, x@in;, h:;\nCc:\n\n", "To: g: you@out.test, x@in;, h:;\nCc:\n\n" },
    { "\nTo: me@in\n", "\nTo: me@in\n" },
    { "", "" },
};

TEST(addresses_are_mapped_and_all_else_stays)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t piece = 1; piece < 60; piece++) {
            EXPECT(filter(str_from_c(cases[i].text), piece, &out));
            EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].mapped));
        }
    }
    strbuf_done(&out);
}

TEST(an_address_that_cannot_be_mapped_now_stops_the_message)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    EXPECT_FALSE(filter(STR("To: x@in, bad@in\n\nbody\n"), 7, &out));
    EXPECT(filter(STR("Subject: bad@in\n\nTo: bad@in\n"), 7, &out));
    strbuf_done(&out);
}
