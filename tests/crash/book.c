/* SPDX-License-Identifier: Apache-2.0 */
#include "book.h"

#include "base/check.h"

enum { FIRST_LINE = 64 };

unsigned book_add(struct book *book, size_t size, unsigned recipients)
{
    CHECK(book->count < BOOK_MAXIMUM && size > FIRST_LINE && recipients <= BOOK_RECIPIENTS_MAXIMUM);
    book->messages[book->count] = (struct book_message){ .size = size, .recipients = recipients };
    return book->count++;
}

void book_write(const struct book *book, unsigned message, struct strbuf *out)
{
    const struct book_message *row = &book->messages[message];
    uint32_t state = message * 2654435761u + 12345;
    size_t from = out->len;

    (void) strbuf_printf(out, "Subject: %u\n\n", message);
    (void) strbuf_append(out, row->body);
    while (out->len - from < row->size) {
        state = state * 1664525 + 1013904223;
        (void) strbuf_append_char(out, state >> 26 == 0 ? '\n' : (char) ('!' + (state >> 24) % 90));
    }
}

bool book_recognise(const struct book *book, struct str content, unsigned *message_out)
{
    struct str first, rest;
    struct strbuf expected;
    uint64_t number;
    bool is_same;

    if (!str_starts_with(content, STR("Subject: ")) ||
        !str_cut(str_from(content, sizeof("Subject: ") - 1), '\n', &first, &rest) || !str_to_uint64(first, &number) ||
        number >= book->count)
        return false;
    strbuf_init(&expected, STRBUF_UNLIMITED);
    book_write(book, (unsigned) number, &expected);
    is_same = str_equal(content, strbuf_str(&expected));
    strbuf_done(&expected);
    *message_out = (unsigned) number;
    return is_same;
}
