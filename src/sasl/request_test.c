/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/request.h"

#include "unit.h"

static const struct request_state fresh = { .has_met = false };
static const struct request_state met = { .has_met = true };
static const struct request_state challenged = { .has_met = true, .is_challenged = true, .id = 7 };

static bool parse(const char *text, const struct request_state *state, struct request *request_out,
                  const char **what_out)
{
    struct auth_line line;

    /* Nothing here is escaped, so that the fields are views of the text. */
    auth_line_parse(&line, str_from_c(text), NULL);
    return request_parse(&line, state, request_out, what_out);
}

TEST(each_line_has_its_time)
{
    static const struct {
        const char *text;
        const struct request_state *state;
        enum request_kind kind;
    } rows[] = {
        { "VERSION\t1\t0", &fresh, REQUEST_IS_NOTHING },
        { "APPLICATION\tsmtpd\tsmtp\texample.test", &fresh, REQUEST_APPLICATION },
        { "CPID\t4194305", &fresh, REQUEST_HELLO },
        { "AUTH\t7\tPLAIN\tservice=smtp\tresp=QUJD", &met, REQUEST_START },
        { "AUTH\t8\tLOGIN", &challenged, REQUEST_START },
        { "CONT\t7\tQUJD", &challenged, REQUEST_CONTINUE },
        { "CANCEL\t7", &challenged, REQUEST_CANCEL },
        { "whatever", &met, REQUEST_IS_NOTHING },
    };
    struct request request;
    const char *what;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(parse(rows[i].text, rows[i].state, &request, &what));
        EXPECT_INT(request.kind, rows[i].kind);
    }
}

TEST(what_breaks_the_protocol_is_named)
{
    static const struct {
        const char *text;
        const struct request_state *state;
        const char *what;
    } rows[] = {
        { "APPLICATION\tsmtpd", &met, "APPLICATION" },
        { "CPID\t1", &met, "CPID" },
        { "AUTH\t1\tPLAIN", &fresh, "AUTH" },
        { "AUTH", &met, "AUTH" },
        { "AUTH\tx\tPLAIN", &met, "AUTH" },
        { "AUTH\t1\t", &met, "AUTH" },
        { "AUTH\t1", &met, "AUTH" },
        { "CONT\t7\tQUJD", &met, "CONT" },
        { "CONT\t8\tQUJD", &challenged, "CONT" },
        { "CONT\t7", &challenged, "CONT" },
        { "CONT\t7\tQUJD", &fresh, "CONT" },
    };
    struct request request;
    const char *what = "";

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT_FALSE(parse(rows[i].text, rows[i].state, &request, &what));
        EXPECT_STR(str_from_c(what), str_from_c(rows[i].what));
    }
}

TEST(a_request_has_what_its_line_says)
{
    struct request request;
    const char *what;

    EXPECT(parse("APPLICATION\tother\tsubmission\texample.test", &fresh, &request, &what));
    EXPECT_STR(request.application, STR("other"));
    EXPECT_STR(request.service, STR("submission"));
    EXPECT_STR(request.realm, STR("example.test"));
    EXPECT(parse("AUTH\t9\tPLAIN\tservice=lmtp\tresp=", &met, &request, &what));
    EXPECT_UINT(request.id, 9);
    EXPECT_STR(request.mechanism, STR("PLAIN"));
    EXPECT_STR(request.service, STR("lmtp"));
    EXPECT(request.has_input && request.input.len == 0);
    EXPECT(parse("AUTH\t9\tLOGIN", &met, &request, &what));
    EXPECT_FALSE(request.has_input);
    EXPECT(parse("CONT\t7\t", &challenged, &request, &what));
    EXPECT(request.has_input && request.input.len == 0);
}
