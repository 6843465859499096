/* SPDX-License-Identifier: Apache-2.0 */
#include "table/database_table.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "table/database_server.h"
#include "table/table_type.h"

#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/*
 * A database in this process. A key "lost" loses its connection the first time, in the middle of an answer; "fails"
 * cannot be answered; "gate" waits until as many as can be asked at a time are there.
 */
struct fake {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned open; /* connections */
    unsigned opened;
    unsigned asked;
    unsigned inside; /* threads that ask now */
    unsigned most_inside;
    unsigned expected_inside;
    bool is_down;
    bool has_lost;
    char last_host[50];
};

static struct fake fake = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void reset(void)
{
    fake.open = fake.opened = fake.asked = fake.inside = fake.most_inside = fake.expected_inside = 0;
    fake.is_down = fake.has_lost = false;
    fake.last_host[0] = '\0';
}

static void *open_fake(const struct merpati_driver_settings *settings, struct merpati_table_text why)
{
    const char *text = settings->get(settings, "word");

    if (text == NULL)
        snprintf(why.data, why.size, "\"word\" is missing");
    return (void *) (uintptr_t) text;
}

static void close_fake(void *table)
{
    (void) table;
}

static void *connect_fake(const void *table, const char *host, struct merpati_table_text why)
{
    void *connection = NULL;

    (void) table;
    pthread_mutex_lock(&fake.mutex);
    if (fake.is_down || str_equal(str_from_c(host), STR("dead"))) {
        snprintf(why.data, why.size, "nobody is there");
    } else {
        fake.open++;
        fake.opened++;
        snprintf(fake.last_host, sizeof(fake.last_host), "%s", host);
        connection = &fake;
    }
    pthread_mutex_unlock(&fake.mutex);
    return connection;
}

static void disconnect_fake(void *connection)
{
    (void) connection;
    pthread_mutex_lock(&fake.mutex);
    fake.open--;
    pthread_mutex_unlock(&fake.mutex);
}

static bool quote_fake(void *connection, unsigned index, const char *text, size_t len,
                       void (*put)(void *context, const char *text, size_t len), void *context)
{
    (void) connection;
    (void) index;
    put(context, text, len);
    return !str_contains_char(str_make(text, len), '!');
}

static void enter(void)
{
    fake.asked++;
    fake.inside++;
    if (fake.inside > fake.most_inside)
        fake.most_inside = fake.inside;
    pthread_cond_broadcast(&fake.changed);
    while (fake.most_inside < fake.expected_inside)
        pthread_cond_wait(&fake.changed, &fake.mutex);
    fake.inside--;
}

static enum merpati_driver_result ask_fake(const void *table, void *connection, const char *const *texts,
                                           const struct merpati_driver_values *values, struct merpati_table_text why)
{
    struct str key = str_from_c(texts[0]);
    bool is_lost;

    (void) connection;
    pthread_mutex_lock(&fake.mutex);
    enter();
    is_lost = str_equal(key, STR("lost")) && !fake.has_lost;
    fake.has_lost = fake.has_lost || is_lost;
    pthread_mutex_unlock(&fake.mutex);
    snprintf(why.data, why.size, "no sense in it");
    if (str_equal(key, STR("fails")))
        return MERPATI_DRIVER_FAILED;
    if (str_equal(key, STR("absent")))
        return MERPATI_DRIVER_DONE;
    values->add(values->context, table, strlen(table));
    if (is_lost)
        return MERPATI_DRIVER_LOST;
    values->add(values->context, texts[0], strlen(texts[0]));
    return MERPATI_DRIVER_DONE;
}

static const char *const names[] = { "word", NULL };
static const char *const connection_names[] = { "login", NULL };
static const char *const templates[] = { "query", NULL };
static struct merpati_driver driver = {
    .magic = MERPATI_DRIVER_MAGIC,
    .version = MERPATI_DRIVER_VERSION,
    .names = names,
    .connection_names = connection_names,
    .hosts_name = "hosts",
    .hosts_default = "first",
    .templates = templates,
    .open = open_fake,
    .close = close_fake,
    .connect = connect_fake,
    .disconnect = disconnect_fake,
    .quote = quote_fake,
    .ask = ask_fake,
};

struct stage {
    struct loop *loop; /* NULL: a command */
    struct arena *arena;
    struct table_set *set;
    const struct table_type *type;
    struct table *table;
    char warnings[1000];
    char answer[600];
};

static void warn(void *context, const char *text)
{
    struct stage *stage = context;
    size_t len = strlen(stage->warnings);

    snprintf(stage->warnings + len, sizeof(stage->warnings) - len, "%s\n", text);
}

static struct table *open_file(struct stage *stage, const char *name, const char *text, struct failure *why)
{
    struct table *table = arena_new(stage->arena, struct table);
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", unit_directory(), name);
    file = fopen(path, "we");
    EXPECT(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    table->type = stage->type;
    table->set = stage->set;
    table->name = arena_printf(stage->arena, "fake:%s", name);
    return stage->type->open(table, arena_str(stage->arena, str_from_c(path)), why) ? table : NULL;
}

static void begin(struct stage *stage, bool has_loop, const char *text)
{
    struct table_set_options options = { .warn = warn, .warn_context = stage };

    reset();
    *stage = (struct stage){ .arena = arena_create() };
    if (has_loop)
        stage->loop = options.loop = loop_create();
    stage->set = table_set_create(&options);
    stage->type = database_table_type(&driver, STR("fake"), stage->arena);
    stage->table = open_file(stage, "table", text, NULL);
    EXPECT(stage->table != NULL);
}

/* "value", "absent" or "unknown: why"; in stage->answer. */
static const char *ask(struct stage *stage, struct table *table, const char *key)
{
    struct arena *arena = arena_create();
    struct failure why = { 0 };
    struct str value = STR_EMPTY;

    switch (table->type->lookup(table, str_from_c(key), arena, &value, &why)) {
    case TABLE_FOUND:
        snprintf(stage->answer, sizeof(stage->answer), "%.*s", STR_ARG(value));
        break;
    case TABLE_ABSENT:
        snprintf(stage->answer, sizeof(stage->answer), "absent");
        break;
    default:
        snprintf(stage->answer, sizeof(stage->answer), "unknown: %s", why.text);
        break;
    }
    arena_destroy(&arena);
    return stage->answer;
}

static void end(struct stage *stage)
{
    table_set_destroy(&stage->set);
    if (stage->loop != NULL) {
        loop_run(stage->loop);
        loop_destroy(&stage->loop);
    }
    arena_destroy(&stage->arena);
    EXPECT_UINT(fake.open, 0);
}

TEST(values_are_joined_and_connections_kept)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\n");
    EXPECT_TEXT(ask(&stage, stage.table, "key"), "w,key");
    EXPECT_TEXT(ask(&stage, stage.table, "absent"), "absent");
    EXPECT_TEXT(ask(&stage, stage.table, "fails"), "unknown: table fake:table lookup error: no sense in it");
    EXPECT_TEXT(ask(&stage, stage.table, "a!"), "absent");
    EXPECT_UINT(fake.opened, 1);
    EXPECT_UINT(fake.asked, 3);
    EXPECT_TEXT(stage.warnings, "");
    end(&stage);
}

TEST(half_an_answer_is_forgotten_and_the_question_asked_again)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\n");
    EXPECT_TEXT(ask(&stage, stage.table, "lost"), "w,lost");
    EXPECT_UINT(fake.opened, 2);
    EXPECT_UINT(fake.open, 1);
    end(&stage);
}

TEST(what_suppresses_a_question_asks_nobody)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %u\ndomain = example.com\n");
    EXPECT_TEXT(ask(&stage, stage.table, "user"), "absent");
    EXPECT_TEXT(ask(&stage, stage.table, "@example.com"), "absent");
    EXPECT_TEXT(ask(&stage, stage.table, "user@example.net"), "absent");
    EXPECT_UINT(fake.asked, 0);
    EXPECT_TEXT(ask(&stage, stage.table, "user@example.com"), "w,user");
    EXPECT_TEXT(ask(&stage, stage.table, "user@EXAMPLE.com"), "w,user");
    EXPECT_TEXT(ask(&stage, stage.table, "user@sub.example.com"), "absent");
    end(&stage);
    begin(&stage, false, "word = w\nquery = %s\nresult_format = %s:%D:%3\n");
    EXPECT_TEXT(ask(&stage, stage.table, "user"), "absent");
    EXPECT_TEXT(ask(&stage, stage.table, "u@example.com"), "absent");
    EXPECT_UINT(fake.asked, 0);
    EXPECT_TEXT(ask(&stage, stage.table, "u@a.b.c"), "w:a.b.c:a,u@a.b.c:a.b.c:a");
    end(&stage);
}

TEST(a_limit_of_values_is_no_answer)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\nexpansion_limit = 1\n");
    EXPECT_TEXT(ask(&stage, stage.table, "key"), "unknown: table fake:table lookup error: expansion limit exceeded");
    end(&stage);
}

TEST(tables_that_log_in_alike_share_connections)
{
    struct stage stage;
    struct table *alike;
    struct table *other;

    begin(&stage, false, "word = w\nquery = %s\nlogin = a\n");
    alike = open_file(&stage, "alike", "word = v\nquery = %s\nlogin = a\n", NULL);
    other = open_file(&stage, "other", "word = v\nquery = %s\n", NULL);
    EXPECT_TEXT(ask(&stage, stage.table, "key"), "w,key");
    EXPECT_TEXT(ask(&stage, alike, "key"), "v,key");
    EXPECT_UINT(fake.opened, 1);
    EXPECT_TEXT(ask(&stage, other, "key"), "v,key");
    EXPECT_UINT(fake.opened, 2);
    end(&stage);
}

TEST(a_dead_host_is_told_of_once_and_left_alone)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\nhosts = dead first\nidle_interval = 0\n");
    /* Who asks within one tick of the clock has the same connection still. */
    for (int i = 0; i < 20 || (stage.warnings[0] == '\0' && i < 1000000); i++)
        EXPECT_TEXT(ask(&stage, stage.table, "key"), "w,key");
    EXPECT_TEXT(fake.last_host, "first");
    EXPECT_TEXT(stage.warnings, "connect to fake server dead: nobody is there\n");
    end(&stage);
}

/* Whom the answer to a table's first question comes from. */
static void expect_host(enum merpati_driver_order order, const char *hosts, const char *key, const char *host)
{
    char text[200];

    snprintf(text, sizeof(text), "word = w\nquery = %%s\nhosts = %s\n", hosts);
    driver.hosts_order = order;
    for (int i = 0; i < 20; i++) {
        struct stage stage;

        begin(&stage, false, text);
        EXPECT(str_starts_with(str_from_c(ask(&stage, stage.table, key)), STR("w,")));
        EXPECT_TEXT(fake.last_host, host);
        end(&stage);
    }
    driver.hosts_order = MERPATI_DRIVER_RANDOM;
}

TEST(a_driver_says_which_host_is_first)
{
    expect_host(MERPATI_DRIVER_AS_WRITTEN, "first second third", "key", "first");
    expect_host(MERPATI_DRIVER_AS_WRITTEN, "dead second third", "key", "second");
    expect_host(MERPATI_DRIVER_LOCAL_FIRST, "first second unix:/third", "key", "unix:/third");
    expect_host(MERPATI_DRIVER_LOCAL_FIRST, "first dead unix:/third dead", "key", "unix:/third");
}

TEST(what_one_host_does_not_answer_another_is_asked)
{
    expect_host(MERPATI_DRIVER_AS_WRITTEN, "first second", "lost", "second");
    expect_host(MERPATI_DRIVER_AS_WRITTEN, "first", "lost", "first");
}

TEST(while_nobody_is_there_questions_fail_at_once)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\n");
    fake.is_down = true;
    EXPECT_TEXT(ask(&stage, stage.table, "key"), "unknown: table fake:table lookup error: nobody is there");
    fake.is_down = false;
    /* The second it is left alone is not over. */
    EXPECT_TEXT(ask(&stage, stage.table, "key"), "unknown: table fake:table lookup error: nobody is there");
    EXPECT_UINT(fake.opened, 0);
    EXPECT_TEXT(stage.warnings, "connect to fake server first: nobody is there\n");
    end(&stage);
}

TEST(what_is_wrong_in_a_file_is_named)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "word = w\nquery = %x\n", "invalid query template: %x" },
        { "word = w\n", "\"query\" is missing" },
        { "query = %s\n", "\"word\" is missing" },
        { "word = w\nquery = %s\nresult_format = 5%\n", "invalid result_format template: 5%" },
        { "word = w\nquery = %s\nexpansion_limit = many\n", "expansion_limit = many: expected a number" },
        { "word = w\nquery = %s\nidle_interval = -1\n", "idle_interval = -1: expected a number" },
        { "word = w\nquery = %s\nresult_format =\n", "result_format is empty" },
        { "word = w\nquery %s\n", "line 2: expected \"name = value\"" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct stage stage;
        struct failure why;

        begin(&stage, false, "word = w\nquery = %s\n");
        EXPECT(open_file(&stage, "wrong", rows[i].text, &why) == NULL);
        EXPECT(str_find(str_from_c(why.text), str_from_c(rows[i].why)) != STR_NOT_FOUND);
        end(&stage);
    }
}

TEST(a_name_that_nobody_reads_is_warned_of)
{
    struct stage stage;

    begin(&stage, false, "word = w\nquery = %s\n# comment\nresult_fromat = x\nhosts = first\ndomain = \n");
    EXPECT(str_find(str_from_c(stage.warnings), STR("table, line 4: unused parameter: result_fromat=x")) !=
           STR_NOT_FOUND);
    EXPECT_UINT(str_count_char(str_from_c(stage.warnings), '\n'), 1);
    end(&stage);
}

static void ask_gate(void *context)
{
    struct stage *stage = context;

    EXPECT_TEXT(ask(stage, stage->table, "gate"), "w,gate");
}

static void ask_many(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;

    fiber_group_init(&group, stage->loop);
    for (int i = 0; i < 12; i++)
        fiber_group_start(&group, ask_gate, stage);
    EXPECT(fiber_group_wait(&group, seconds(60), NULL));
}

/* Each waits inside until four are there: with fewer at a time this would not end, and more would be counted. */
TEST(four_are_asked_at_a_time_and_no_more)
{
    struct stage stage;

    begin(&stage, true, "word = w\nquery = %s\n");
    fake.expected_inside = 4;
    fiber_run(stage.loop, ask_many, &stage);
    EXPECT_UINT(fake.most_inside, 4);
    EXPECT_UINT(fake.asked, 12);
    EXPECT_UINT(fake.opened, 4);
    end(&stage);
}
