/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header.h"

#include "unit.h"

TEST(every_name_is_found_whatever_its_case)
{
    static const struct {
        const char *name;
        int type;
    } rows[] = {
        { "Apparently-To", HEADER_OTHER },
        { "bcc", HEADER_BCC },
        { "CC", HEADER_CC },
        { "content-length", HEADER_CONTENT_LENGTH },
        { "Content-Type", HEADER_CONTENT_TYPE },
        { "Date", HEADER_DATE },
        { "from", HEADER_FROM },
        { "message-ID", HEADER_MESSAGE_ID },
        { "Mime-Version", HEADER_MIME_VERSION },
        { "RECEIVED", HEADER_RECEIVED },
        { "Resent-To", HEADER_RESENT_TO },
        { "Return-Path", HEADER_RETURN_PATH },
        { "subject", HEADER_SUBJECT },
        { "To", HEADER_TO },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct header_kind *kind = header_kind_find(str_from_c(rows[i].name));

        EXPECT_INT(kind->type, rows[i].type);
        EXPECT(str_equal_nocase(kind->name, str_from_c(rows[i].name)));
    }
}

TEST(other_names_mean_nothing)
{
    static const char *const names[] = { "", "A", "X-Anything", "Tod", "T", "Zzz", "Resent-", "From " };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        const struct header_kind *kind = header_kind_find(str_from_c(names[i]));

        EXPECT_INT(kind->type, HEADER_OTHER);
        EXPECT_UINT(kind->name.len, 0);
    }
}

TEST(flags_say_what_is_done_with_a_header)
{
    EXPECT(header_kind_find(STR("Bcc"))->flags == (HEADER_RECIPIENT | HEADER_EXTRACT | HEADER_DROP));
    EXPECT(header_kind_find(STR("Return-Path"))->flags == (HEADER_DROP | HEADER_SENDER));
    EXPECT(header_kind_find(STR("Subject"))->flags == 0);
}
