/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/strange_characters.h"

enum { SHOWN_OF_LINE = 200 };

/* What stands behind a backslash; off *text. */
static unsigned char take_escape(struct str *text)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char first = text->data[0];
    const char *known = strchr(letters, first);
    unsigned value = 0;
    size_t digits = 0;

    while (digits < 3 && digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '7')
        value = value * 8 + (unsigned) (text->data[digits++] - '0');
    if (digits > 0) {
        *text = str_from(*text, digits);
        return (unsigned char) (value & 0xff);
    }
    *text = str_from(*text, 1);
    return (unsigned char) (first != '\0' && known != NULL ? values[known - letters] : first);
}

void character_set_parse(struct character_set *set, struct str text)
{
    *set = (struct character_set){ .is_empty = text.len == 0 };
    while (text.len > 0) {
        unsigned char c = (unsigned char) text.data[0];

        text = str_from(text, 1);
        if (c == '\\' && text.len > 0)
            c = take_escape(&text);
        set->has[c] = true;
    }
    set->has['\n'] = false;
}

void strange_characters_init(struct strange_characters *strange, const struct character_set *rejected,
                             const struct character_set *stripped)
{
    *strange = (struct strange_characters){ .rejected = rejected, .stripped = stripped };
    strbuf_init(&strange->begun, SHOWN_OF_LINE);
    strbuf_init(&strange->kept, STRBUF_UNLIMITED);
}

void strange_characters_done(struct strange_characters *strange)
{
    strbuf_done(&strange->begun);
    strbuf_done(&strange->kept);
}

static bool has_any(const struct character_set *set, struct str text)
{
    bool has = false;

    for (size_t i = 0; i < text.len; i++)
        has = has || set->has[(unsigned char) text.data[i]];
    return has;
}

static struct str strip(struct strange_characters *strange, struct str part)
{
    strbuf_clear(&strange->kept);
    strbuf_reserve(&strange->kept, part.len);
    for (size_t i = 0; i < part.len; i++) {
        if (!strange->stripped->has[(unsigned char) part.data[i]])
            strbuf_append_char(&strange->kept, part.data[i]);
    }
    return strbuf_str(&strange->kept);
}

/* The line begins anew where the one before ended. */
static void note_beginning(struct strange_characters *strange, struct str part)
{
    struct strbuf *begun = &strange->begun;

    if (!strange->is_line_open)
        strbuf_clear(begun);
    strange->is_line_open = part.len > 0 && part.data[part.len - 1] != '\n';
    (void) strbuf_append(begun, str_part(part, 0, SHOWN_OF_LINE - begun->len));
}

bool strange_characters_take(struct strange_characters *strange, struct str *piece, struct str *line_out)
{
    size_t end = str_find_char(*piece, '\n');
    struct str line = str_part(*piece, 0, end == STR_NOT_FOUND ? piece->len : end + 1);

    *piece = str_from(*piece, line.len);
    note_beginning(strange, line);
    *line_out = strange->stripped->is_empty ? line : strip(strange, line);
    return has_any(strange->rejected, line);
}
