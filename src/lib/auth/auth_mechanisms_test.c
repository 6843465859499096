/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_mechanisms.h"

#include "unit.h"

static bool add(struct auth_mechanisms *mechanisms, const char *text, struct arena *arena)
{
    struct auth_line line;

    auth_line_parse(&line, str_from_c(text), arena);
    return auth_mechanisms_add(mechanisms, &line, arena);
}

TEST(a_mechanism_has_a_name_and_traits)
{
    struct arena *arena = arena_create();
    struct auth_mechanisms mechanisms = { .count = 0 };

    EXPECT(add(&mechanisms, "MECH\tPLAIN\tplaintext\tunheard", arena));
    EXPECT(add(&mechanisms, "MECH\tscram-sha-256\tmutual-auth", arena));
    EXPECT_STR(mechanisms.items[1].name, STR("SCRAM-SHA-256"));
    EXPECT_UINT(mechanisms.items[0].traits, AUTH_IS_PLAINTEXT);
    EXPECT_UINT(mechanisms.items[1].traits, AUTH_IS_MUTUAL);
    EXPECT_FALSE(add(&mechanisms, "MECH", arena));
    EXPECT_FALSE(add(&mechanisms, "MECH\t", arena));
    EXPECT_FALSE(add(&mechanisms, "MECH\tA B", arena));
    EXPECT_FALSE(add(&mechanisms, "MECH\tA\001tB", arena));
    EXPECT_FALSE(add(&mechanisms, "MECH\tABCDEFGHIJKLMNOPQRSTU", arena));
    while (mechanisms.count < AUTH_MECHANISMS_MAXIMUM)
        EXPECT(add(&mechanisms, "MECH\tX", arena));
    EXPECT_FALSE(add(&mechanisms, "MECH\tX", arena));
    arena_destroy(&arena);
}

TEST(security_options_forbid_and_require)
{
    static const struct {
        const char *words;
        unsigned traits;
        bool is_allowed;
    } rows[] = {
        { "", AUTH_IS_ANONYMOUS | AUTH_IS_PLAINTEXT, true },
        { "noanonymous", AUTH_IS_PLAINTEXT, true },
        { "noanonymous noplaintext", AUTH_IS_PLAINTEXT, false },
        { "NoAnonymous", AUTH_IS_ANONYMOUS, false },
        { "nodictionary", AUTH_IS_DICTIONARY | AUTH_IS_ACTIVE, false },
        { "noactive", AUTH_IS_ACTIVE, false },
        { "mutual_auth", 0, false },
        { "mutual_auth", AUTH_IS_MUTUAL, true },
        { "forward_secrecy mutual_auth", AUTH_IS_MUTUAL, false },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct strlist words = strlist_split(arena, str_from_c(rows[i].words), " ");

        EXPECT_INT(auth_security_allows(auth_security_of(&words), rows[i].traits), rows[i].is_allowed);
    }
    arena_destroy(&arena);
}

TEST(traits_are_written_as_they_are_read)
{
    struct arena *arena = arena_create();
    struct auth_mechanisms mechanisms = { .count = 0 };
    struct strbuf out;

    strbuf_init(&out, 200);
    auth_line_begin(&out, "MECH");
    auth_line_add(&out, STR("X"));
    auth_mechanism_append_traits(&out, 0x7f);
    EXPECT(add(&mechanisms, strbuf_c(&out), arena));
    EXPECT_UINT(mechanisms.items[0].traits, 0x7f);
    strbuf_done(&out);
    arena_destroy(&arena);
}
