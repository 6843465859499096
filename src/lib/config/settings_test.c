/* SPDX-License-Identifier: Apache-2.0 */
#include "config/known_parameters.h"
#include "config/main_cf.h"
#include "config/settings.h"
#include "config/shared_settings.h"

#include "unit.h"

#include <stdio.h>

struct toy {
    struct str banner;
    struct str raw;
    struct strlist list;
    struct strlist words;
    int number;
    int64_t size;
    bool flag;
    struct duration time;
    int colour;
    int limit;
};

static const char *const colours[] = { "red", "green", NULL };

static const struct setting rows[] = {
    SETTING_STRING(struct toy, banner, "toy_banner", "$myhostname ESMTP", 1, 40, "The greeting."),
    SETTING_RAW(struct toy, raw, "toy_raw", "$user", 0, 0, "Expanded later."),
    SETTING_LIST(struct toy, list, "toy_list", "a, {b c}", "Some words."),
    SETTING_WORDS(struct toy, words, "toy_words", "red", colours, "Which ones."),
    SETTING_INTEGER(struct toy, number, "toy_number", "10", 1, 100, "How many."),
    SETTING_SIZE(struct toy, size, "toy_size", "${toy_number}000000000", 0, 0, "Bytes."),
    SETTING_BOOLEAN(struct toy, flag, "toy_flag", "yes", "Whether."),
    SETTING_TIME(struct toy, time, "toy_time", "5", 1, 0, 'm', "How long."),
    SETTING_CHOICE(struct toy, colour, "toy_colour", "green", colours, "Which."),
    SETTING_INTEGER(struct toy, limit, "*_toy_limit", "$toy_number", 0, 0, "For each service."),
};
static const struct settings_table toy_table = SETTINGS_TABLE("toy", struct toy, rows);

static struct arena *arena;

static bool load(const char *text, const struct toy **toy_out, struct failure *why)
{
    struct main_cf *cf;
    void *loaded;

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), arena, &cf, why));
    if (!settings_load(&toy_table, cf, STR("relay"), arena, &loaded, why))
        return false;
    *toy_out = loaded;
    return true;
}

static void expect_refused(const char *text, const char *reason)
{
    const struct toy *toy;
    struct failure why;

    EXPECT_FALSE(load(text, &toy, &why));
    EXPECT_TEXT(why.text, reason);
}

TEST(defaults_make_a_whole_struct)
{
    const struct toy *toy;
    struct failure why;

    EXPECT(load("myhostname = a.example", &toy, &why));
    EXPECT_STR(toy->banner, STR("a.example ESMTP"));
    EXPECT_STR(toy->raw, STR("$user"));
    EXPECT_UINT(toy->list.count, 2);
    EXPECT_INT(toy->number, 10);
    EXPECT_INT(toy->size, 10000000000);
    EXPECT(toy->flag);
    EXPECT_INT(duration_seconds(toy->time), 300);
    EXPECT_INT(toy->colour, 1);
    EXPECT_INT(toy->limit, 10);
}

TEST(every_fault_of_a_table_is_found_and_one_text_stays_once)
{
    struct strlist faults = { 0 };
    struct main_cf *cf;
    struct failure why;

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(STR("toy_flag = perhaps\ntoy_colour = mauve\n"), STR("main.cf"), STR("/etc/x"), arena, &cf,
                         &why));
    settings_find_faults(&toy_table, cf, STR("relay"), arena, &faults);
    settings_find_faults(&toy_table, cf, STR("relay"), arena, &faults);
    EXPECT_UINT(faults.count, 2);
    EXPECT(str_starts_with(faults.items[0], STR("main.cf, line 1: ")));
    EXPECT(str_starts_with(faults.items[1], STR("main.cf, line 2: ")));
}

TEST(main_cf_changes_them_and_the_service_name_chooses)
{
    const struct toy *toy;
    struct failure why;

    EXPECT(load("n = 7\ntoy_number = $n\nrelay_toy_limit = 3\ntoy_flag = NO\ntoy_time = 1h\ntoy_colour=red\n"
                "toy_banner = ${{$n} == {7} ? {seven} : {other}}\ntoy_list =\ntoy_words = red,GREEN\n",
                &toy, &why));
    EXPECT_INT(toy->number, 7);
    EXPECT_INT(toy->limit, 3);
    EXPECT_FALSE(toy->flag);
    EXPECT_INT(duration_seconds(toy->time), 3600);
    EXPECT_INT(toy->colour, 0);
    EXPECT_STR(toy->banner, STR("seven"));
    EXPECT_UINT(toy->list.count, 0);
    EXPECT_UINT(toy->words.count, 2);
}

TEST(a_bad_value_is_refused_with_place_name_and_remedy)
{
    expect_refused("# c\ntoy_number = 10x",
                   "main.cf, line 2: bad numerical configuration: toy_number = 10x: write a whole number");
    expect_refused("toy_number = 0", "main.cf, line 1: bad numerical configuration: toy_number = 0: write 1 to 100");
    expect_refused("toy_number = 99999999999999999999",
                   "main.cf, line 1: bad numerical configuration: toy_number = 99999999999999999999: write a whole "
                   "number");
    expect_refused("toy_flag = maybe", "main.cf, line 1: bad boolean configuration: toy_flag = maybe: write yes or no");
    expect_refused("toy_time = 4y", "main.cf, line 1: bad time value: toy_time = 4y: write a number and a unit: 30s, "
                                    "5m, 2h, 1d or 1w");
    expect_refused("toy_time = 0", "main.cf, line 1: bad time value: toy_time = 0: write 1 or more");
    expect_refused("toy_banner =", "main.cf, line 1: bad string length: toy_banner = : it may not be empty");
    expect_refused("toy_colour = blue", "main.cf, line 1: unknown word: toy_colour = blue: write one of: red green");
    expect_refused("toy_words = Green, blue red",
                   "main.cf, line 1: unknown toy_words value \"blue\": toy_words = Green, "
                   "blue red: write any of: red green");
    expect_refused("toy_banner = ${", "main.cf, line 1: toy_banner: \"}\" is missing at \"{\"");
}

TEST(names_made_at_run_time_are_found)
{
    struct main_cf *cf;
    struct failure why;
    struct duration time;
    int number = 0;
    bool flag = true;

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(STR("default_x_limit = 20\nslow_x_limit = 2\nslow_time = 5\n"), STR("main.cf"), STR("."),
                         arena, &cf, &why));
    EXPECT(settings_get_integer(cf, STR("slow_x_limit"), "$default_x_limit", 0, 0, &number, &why));
    EXPECT_INT(number, 2);
    EXPECT(settings_get_integer(cf, STR("smtp_x_limit"), "$default_x_limit", 0, 0, &number, &why));
    EXPECT_INT(number, 20);
    EXPECT(settings_get_time(cf, STR("slow_time"), "1", 'h', &time, &why));
    EXPECT_INT(duration_seconds(time), 18000);
    EXPECT(settings_get_boolean(cf, STR("slow_flag"), "no", &flag, &why));
    EXPECT_FALSE(flag);
    EXPECT_FALSE(settings_get_integer(cf, STR("slow_time"), "1", 6, 9, &number, &why));
}

TEST(an_empty_main_cf_gives_shared_settings)
{
    const struct shared_settings *shared;
    struct main_cf *cf;
    struct failure why = { 0 };

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(main_cf_parse(STR("inet_interfaces = loopback-only"), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT(shared_settings_load(cf, arena, &shared, &why));
    EXPECT_TEXT(why.text, "");
    EXPECT_STR(shared->config_directory, STR("/etc/x"));
    EXPECT_STR(shared->myorigin, shared->myhostname);
    EXPECT_STR(shared->syslog_name, STR("merpati"));
    EXPECT_INT(shared->message_size_limit, 10240000);
    EXPECT_STR(shared->mail_owner, STR("merpati"));
}

TEST(myorigin_may_be_a_file)
{
    const struct shared_settings *shared;
    char text[600];
    char path[500];
    struct main_cf *cf;
    struct failure why;
    FILE *file;

    snprintf(path, sizeof path, "%s/mailname", unit_directory());
    file = fopen(path, "w");
    EXPECT(file != NULL);
    fputs("example.org\nsecond\n", file);
    fclose(file);
    arena_destroy(&arena);
    arena = arena_create();
    snprintf(text, sizeof text, "myorigin = %s\n", path);
    EXPECT(main_cf_parse(str_from_c(text), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT(shared_settings_load(cf, arena, &shared, &why));
    EXPECT_STR(shared->myorigin, STR("example.org"));
    EXPECT(main_cf_parse(STR("myorigin = /nonexistent/file"), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT_FALSE(shared_settings_load(cf, arena, &shared, &why));
}

TEST(every_shared_row_has_postfix_name_and_the_known_default)
{
    size_t i;

    for (i = 0; i < shared_settings_table.count; i++) {
        const struct setting *row = &shared_settings_table.rows[i];
        const struct known_parameter *known = known_parameter_find(str_from_c(row->name));

        /* Accounts that Postfix does not have. */
        if (strcmp(row->name, "net_owner") == 0 || strcmp(row->name, "map_owner") == 0 ||
            strcmp(row->name, "sasl_owner") == 0)
            continue;
        EXPECT(known != NULL);
        if (known != NULL)
            EXPECT_TEXT(row->default_text, known->default_text);
    }
}

TEST(known_parameters_are_in_order)
{
    size_t i;

    for (i = 1; i < known_parameter_count(); i++)
        EXPECT(strcmp(known_parameter_at(i - 1)->name, known_parameter_at(i)->name) < 0);
    EXPECT(known_parameter_find(STR("smtpd_banner")) != NULL);
    EXPECT(known_parameter_find(STR("no_such_parameter")) == NULL);
}
