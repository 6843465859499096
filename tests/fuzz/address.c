/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of headers and of SMTP paths: whatever parses must survive its own quoting. */

#include "mail/address.h"
#include "base/check.h"
#include "mail/address_list.h"
#include "mail/dsn.h"
#include "mail/quote.h"
#include "mail/smtp_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only a domain part that itself holds quotes can come back different. */
static void check_quoting(struct str address)
{
    struct strbuf external, internal;

    strbuf_init(&external, STRBUF_UNLIMITED);
    strbuf_init(&internal, STRBUF_UNLIMITED);
    CHECK(quote_address(&external, address));
    CHECK(quote_undo(&internal, strbuf_str(&external)));
    if (!str_contains_char(address_domain(address), '"'))
        CHECK(str_equal(strbuf_str(&internal), address));
    strbuf_done(&external);
    strbuf_done(&internal);
}

/*
 * What was written for list is as it was read; where commas were missing it has them and means the same. Behind a comma
 * "a:" may begin a group, if a ';' closes it.
 */
static void check_written(struct arena *arena, const struct address_list *list, struct str written)
{
    struct address_list again;
    struct strbuf out;
    bool is_complete = true;

    for (size_t i = 0; i < list->count; i++)
        is_complete = is_complete && !list->items[i].lacks_comma;
    if (is_complete) {
        CHECK(str_equal(written, list->text));
        return;
    }
    address_list_parse(&again, arena, written, 1000);
    if (!str_contains_char(written, ';')) {
        CHECK(again.count == list->count);
        for (size_t i = 0; i < list->count; i++)
            CHECK(str_equal(again.items[i].address, list->items[i].address));
    }
    strbuf_init(&out, STRBUF_UNLIMITED);
    CHECK(address_list_unparse(&again, &out));
    CHECK(str_equal(strbuf_str(&out), written));
    strbuf_done(&out);
}

static void check_list(struct arena *arena, struct str text)
{
    struct address_list list;
    struct strbuf out;

    address_list_parse(&list, arena, text, 1000);
    strbuf_init(&out, STRBUF_UNLIMITED);
    CHECK(address_list_unparse(&list, &out));
    check_written(arena, &list, strbuf_str(&out));
    for (size_t i = 0; i < list.count; i++) {
        check_quoting(list.items[i].address);
        list.items[i].replacement = STR("new@example.com");
    }
    strbuf_clear(&out);
    CHECK(address_list_unparse(&list, &out));
    strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct str text = str_make((const char *) data, size);

    check_list(arena, text);
    for (unsigned flags = 0; flags < 8; flags++) {
        struct str rest = text, name, value, type, address;
        struct smtp_path path;
        struct failure why;

        if (!smtp_path_take(&rest, flags, arena, &path, &why))
            continue;
        while (smtp_path_take_parameter(&rest, &name, &value))
            if (dsn_orcpt_parse(arena, value, &type, &address))
                check_quoting(address);
    }
    arena_destroy(&arena);
    return 0;
}
