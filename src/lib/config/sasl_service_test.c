/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sasl_service.h"

#include "unit.h"

static struct arena *arena;

static struct main_cf *parse(const char *text, const char *override)
{
    struct main_cf *cf;

    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/merpati"), arena, &cf, NULL));
    if (override != NULL)
        EXPECT(main_cf_override(cf, str_from_c(override), NULL));
    return cf;
}

TEST(the_usual_application_is_what_main_cf_names)
{
    static const struct {
        const char *text, *override, *usual;
    } rows[] = {
        { "", NULL, "smtpd" },
        { "smtpd_sasl_path = mail\n", NULL, "mail" },
        { "who = mail\nsmtpd_sasl_path = ${who}2\n", NULL, "mail2" },
        { "smtpd_sasl_path = mail\n", "smtpd_sasl_path=other", "mail" },
        { "", "smtpd_sasl_path=other", "smtpd" },
        { "smtpd_sasl_path = private/auth\n", NULL, "smtpd" },
        { "smtpd_sasl_path = inet:127.0.0.1:12345\n", NULL, "smtpd" },
        { "smtpd_sasl_path =\n", NULL, "smtpd" },
    };

    arena = arena_create();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_STR(sasl_service_usual(parse(rows[i].text, rows[i].override), arena), str_from_c(rows[i].usual));
    arena_destroy(&arena);
}

TEST(each_other_application_has_a_service_of_its_own)
{
    arena = arena_create();
    EXPECT_STR(sasl_service_name(STR("smtpd"), STR("smtpd"), arena), STR("sasl"));
    EXPECT_STR(sasl_service_name(STR("mail"), STR("mail"), arena), STR("sasl"));
    EXPECT_STR(sasl_service_name(STR("mail"), STR("smtpd"), arena), STR("sasl-smtpd"));
    EXPECT_STR(sasl_service_name(STR("smtpd"), STR("sub_mission-2.x"), arena), STR("sasl-sub_mission-2.x"));
    /* No name: the service says what is wrong. */
    EXPECT_STR(sasl_service_name(STR("smtpd"), STR("private/auth"), arena), STR("sasl"));
    EXPECT_STR(sasl_service_name(STR("smtpd"), STR("../x"), arena), STR("sasl"));
    EXPECT_STR(sasl_service_name(STR("smtpd"), STR(".hidden"), arena), STR("sasl"));
    arena_destroy(&arena);
}

TEST(the_file_is_looked_for_where_main_cf_says_or_where_it_usually_is)
{
    arena = arena_create();
    EXPECT_STR(sasl_service_directories(STR("/a:/b"), STR("/etc/merpati"), arena), STR("/a:/b"));
    EXPECT_STR(sasl_service_directories(STR_EMPTY, STR("/etc/merpati"), arena),
               STR("/etc/merpati/sasl:/etc/postfix/sasl:/etc/sasl2:/usr/lib/sasl2"));
    arena_destroy(&arena);
}
