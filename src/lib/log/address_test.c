/* SPDX-License-Identifier: Apache-2.0 */
#include "log/address.h"

#include "log/log.h"
#include "unit.h"

static void expect_shown(struct str internal, struct str external, struct str shown)
{
    struct strbuf out;

    strbuf_init(&out, 100);
    EXPECT(log_append_address(&out, internal));
    EXPECT_STR(strbuf_str(&out), shown);
    strbuf_clear(&out);
    EXPECT(log_append_external_address(&out, external));
    EXPECT_STR(strbuf_str(&out), shown);
    strbuf_done(&out);
}

TEST(addresses_are_shown_with_their_quotes_or_without)
{
    expect_shown(STR("a b@x.example"), STR("\"a b\"@x.example"), STR("\"a b\"@x.example"));
    log_set_plain_addresses(true);
    expect_shown(STR("a b@x.example"), STR("\"a b\"@x.example"), STR("a b@x.example"));
    expect_shown(STR(""), STR(""), STR(""));
    log_set_plain_addresses(false);
    expect_shown(STR("a@x.example"), STR("a@x.example"), STR("a@x.example"));
}
