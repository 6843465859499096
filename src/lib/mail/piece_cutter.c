/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/piece_cutter.h"

void piece_cutter_init(struct piece_cutter *cutter, size_t limit)
{
    *cutter = (struct piece_cutter){ .starts_line = true };
    strbuf_init(&cutter->gathered, limit);
}

void piece_cutter_done(struct piece_cutter *cutter)
{
    strbuf_done(&cutter->gathered);
}

bool piece_cutter_is_empty(struct piece_cutter *cutter)
{
    if (cutter->is_in_use)
        strbuf_clear(&cutter->gathered);
    cutter->is_in_use = false;
    return cutter->gathered.len == 0;
}

/* What has been gathered, with the tail. */
static struct str whole(struct piece_cutter *cutter, struct str tail)
{
    if (cutter->gathered.len == 0)
        return tail;
    strbuf_append(&cutter->gathered, tail);
    cutter->is_in_use = true;
    return strbuf_str(&cutter->gathered);
}

bool piece_cutter_take(struct piece_cutter *cutter, struct str *input, bool is_last, struct piece *piece_out)
{
    size_t gathered = piece_cutter_is_empty(cutter) ? 0 : cutter->gathered.len;
    size_t room = cutter->gathered.maximum - gathered;
    /* One more: where the limit is all of the line, its LF belongs to it. */
    struct str window = str_part(*input, 0, room + 1);
    size_t end = str_find_char(window, '\n');
    bool ends_line = end != STR_NOT_FOUND;
    bool is_long = !ends_line && window.len > room;
    struct str tail = str_part(window, 0, is_long ? room : end);

    *input = str_from(*input, tail.len + ends_line);
    if (!ends_line && !is_long && (!is_last || gathered + tail.len == 0)) {
        strbuf_append(&cutter->gathered, tail);
        return false;
    }
    *piece_out = (struct piece){
        .text = whole(cutter, tail),
        .starts_line = cutter->starts_line,
        .ends_line = ends_line,
    };
    cutter->starts_line = ends_line;
    return true;
}

void piece_cutter_pass(struct piece_cutter *cutter, struct str text)
{
    if (text.len > 0)
        cutter->starts_line = str_ends_with(text, STR("\n"));
}
