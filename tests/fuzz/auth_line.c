/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of Dovecot's authentication protocol, of a back end or of who asks one: fields are what was said, and no more.
 */

#include "auth/auth_mechanisms.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written anew it is the same: nothing in a field is a field, or a line, of its own. */
static void write_and_read(const struct auth_line *line, struct arena *arena)
{
    struct auth_line again;
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    auth_line_begin(&out, "AUTH");
    for (size_t i = 0; i < line->count; i++)
        auth_line_add(&out, line->fields[i]);
    auth_line_end(&out);
    CHECK(str_find_char(strbuf_str(&out), '\n') == out.len - 1);
    auth_line_parse(&again, str_part(strbuf_str(&out), 0, out.len - 1), arena);
    CHECK(again.verb == AUTH_VERB_AUTH && again.count == line->count);
    for (size_t i = 0; i < line->count; i++)
        CHECK(str_equal(again.fields[i], line->fields[i]));
    strbuf_done(&out);
}

static void look_at(const struct auth_line *line, struct auth_mechanisms *mechanisms, struct arena *arena)
{
    struct str value;
    uint32_t number;

    CHECK(line->count <= AUTH_FIELDS_MAXIMUM);
    for (size_t i = 0; i < line->count; i++) {
        if (auth_line_number(line, i, &number))
            CHECK(line->fields[i].len <= 10 || line->fields[i].data[0] == '0');
        if (auth_is_base64(line->fields[i]))
            CHECK(str_find_any(line->fields[i], "\t\r\n\001 *") == STR_NOT_FOUND);
    }
    if (auth_line_find(line, 1, "user", &value))
        CHECK(line->count > 1);
    if (auth_mechanisms_add(mechanisms, line, arena)) {
        const struct auth_mechanism *added = &mechanisms->items[mechanisms->count - 1];

        CHECK(str_equal_nocase(added->name, line->fields[0]) &&
              str_find_any(added->name, "\t\r\n\001 =") == STR_NOT_FOUND);
    }
    CHECK(mechanisms->count <= AUTH_MECHANISMS_MAXIMUM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *) data, size), text;
    struct auth_mechanisms mechanisms = { .count = 0 };
    struct arena *arena = arena_create();
    struct auth_line line;
    bool has_more;

    do {
        has_more = str_cut(rest, '\n', &text, &rest);
        auth_line_parse(&line, text, arena);
        look_at(&line, &mechanisms, arena);
        write_and_read(&line, arena);
    } while (has_more);
    arena_destroy(&arena);
    return 0;
}
