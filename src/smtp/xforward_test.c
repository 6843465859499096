/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/xforward.h"

#include "protocol/deliver.h"

#include "unit.h"

enum { ALL = 0x7f };

static struct str commands(struct arena *arena, const char *const *attributes, unsigned known)
{
    struct deliver_request request = { .queue_id = STR("98AC3161ABF") };
    struct strbuf all;
    struct strlist list;
    struct str text;

    for (size_t i = 0; attributes[i] != NULL; i++)
        strlist_add(&request.attributes, arena, str_from_c(attributes[i]));
    list = xforward_commands(arena, &request, known);
    strbuf_init(&all, STRBUF_UNLIMITED);
    for (size_t i = 0; i < list.count; i++) {
        EXPECT(str_starts_with(list.items[i], STR("XFORWARD ")) && list.items[i].len <= 512);
        strbuf_append(&all, list.items[i]);
    }
    text = arena_str(arena, strbuf_str(&all));
    strbuf_done(&all);
    return text;
}

TEST(what_the_server_knows_is_told)
{
    static const char *const attributes[] = { "log_client_name=host.example.com",
                                              "log_client_address=192.0.2.1",
                                              "log_client_port=4711",
                                              "log_protocol_name=ESMTP",
                                              "log_helo_name=a b=c",
                                              "rewrite_context=local",
                                              NULL };
    struct arena *arena = arena_create();

    EXPECT_STR(commands(arena, attributes, ALL),
               STR("XFORWARD NAME=host.example.com ADDR=192.0.2.1 PORT=4711\r\n"
                   "XFORWARD PROTO=ESMTP HELO=a+20b+3Dc IDENT=98AC3161ABF SOURCE=LOCAL\r\n"));
    EXPECT_STR(commands(arena, attributes, XFORWARD_PROTO | XFORWARD_ADDR),
               STR("XFORWARD ADDR=192.0.2.1\r\nXFORWARD PROTO=ESMTP\r\n"));
    EXPECT_STR(commands(arena, attributes, 0), STR_EMPTY);
    arena_destroy(&arena);
}

TEST(a_client_without_name_has_none_available_and_what_is_not_known_is_not_told)
{
    static const char *const attributes[] = { "log_client_name=unknown", "log_client_address=2001:db8::1", NULL };
    struct arena *arena = arena_create();

    EXPECT_STR(commands(arena, attributes, XFORWARD_NAME | XFORWARD_ADDR | XFORWARD_HELO),
               STR("XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1\r\n"));
    arena_destroy(&arena);
}

TEST(the_commands_have_names)
{
    EXPECT_TEXT(xforward_command_name(STR("XFORWARD ADDR=192.0.2.1\r\n")), "XFORWARD name/address command");
    EXPECT_TEXT(xforward_command_name(STR("XFORWARD SOURCE=LOCAL\r\n")), "XFORWARD helo/protocol command");
}

TEST(the_server_names_what_it_knows)
{
    EXPECT_UINT(xforward_parse(STR("NAME addr PROTO nonsense")), XFORWARD_NAME | XFORWARD_ADDR | XFORWARD_PROTO);
    EXPECT_UINT(xforward_parse(STR_EMPTY), 0);
}
