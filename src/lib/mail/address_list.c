/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address_list.h"

#include "mail/quote.h"

/*
 * A small hand-written reader: tokens of RFC 5322 are taken from left to right, once, and gathered
 * into a run until a comma, colon, semicolon or angle bracket tells what the run was: an address, a group's name or a
 * display name.
 */
enum token_type {
    TOKEN_END,
    TOKEN_WORD, /* atom, quoted-string or domain literal; its text is decoded into reader.word */
    TOKEN_SPECIAL,
};

struct reader {
    struct str text;
    size_t position;
    bool has_no_literal_end; /* no ']' ahead: spares looking for it again and again */
    /* The token that was taken last. */
    enum token_type type;
    char special;
    size_t start;
    size_t end;
    bool is_after_blank;
    bool has_comment;
    struct strbuf word;
    struct strbuf comment;
};

struct run {
    size_t start; /* the text from the first to the last token */
    size_t end;
    size_t words;
    bool is_after_word;
    bool is_plain;
    bool has_at;
    struct strbuf address;
    struct strbuf phrase;
};

struct parser {
    struct address_list *list;
    struct arena *arena;
    size_t max_items;
    size_t capacity;
    struct reader reader;
    struct run run;
    struct str group;
    size_t last_group_end; /* a colon behind the last semicolon begins no group */
    struct str name;       /* display name that waits for its angle address */
    bool is_done;          /* the angle address of this list element was seen */
    bool lacks_comma;      /* the next item */
};

static bool is_special(char c)
{
    switch (c) {
    case '(':
    case ')':
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '\\':
    case '"':
    case '.':
    case '[':
    case ']':
        return true;
    default:
        return false;
    }
}

static char reader_peek(const struct reader *reader)
{
    return reader->position < reader->text.len ? reader->text.data[reader->position] : '\0';
}

static bool reader_at_end(const struct reader *reader)
{
    return reader->position >= reader->text.len;
}

/* A comment with those inside it; its text goes to reader->comment. */
static void skip_comment(struct reader *reader)
{
    size_t depth = 0;

    strbuf_clear(&reader->comment);
    reader->has_comment = true;
    while (!reader_at_end(reader)) {
        char c = reader->text.data[reader->position++];

        if (c == '(' && depth++ == 0)
            continue;
        if (c == ')' && --depth == 0)
            return;
        if (c == '\\' && !reader_at_end(reader))
            c = reader->text.data[reader->position++];
        strbuf_append_char(&reader->comment, c);
    }
}

static bool skip_blanks(struct reader *reader)
{
    size_t before = reader->position;

    while (!reader_at_end(reader)) {
        char c = reader_peek(reader);

        if (c == '(')
            skip_comment(reader);
        else if (char_is_space(c))
            reader->position++;
        else
            break;
    }
    return reader->position != before;
}

static void take_quoted(struct reader *reader)
{
    reader->position++;
    while (!reader_at_end(reader)) {
        char c = reader->text.data[reader->position++];

        if (c == '"')
            return;
        if (c == '\\' && !reader_at_end(reader))
            c = reader->text.data[reader->position++];
        if (c != '\n' && c != '\r')
            strbuf_append_char(&reader->word, c);
    }
}

/* "[...]" as it stands. One that is never closed ends with the word. */
static void take_literal(struct reader *reader)
{
    struct str rest = str_from(reader->text, reader->position);
    size_t end = reader->has_no_literal_end ? STR_NOT_FOUND : str_find_char(rest, ']');

    reader->has_no_literal_end = end == STR_NOT_FOUND;
    if (end != STR_NOT_FOUND) {
        strbuf_append(&reader->word, str_part(rest, 0, end + 1));
        reader->position += end + 1;
        return;
    }
    for (end = 0; end < rest.len && !char_is_space(rest.data[end]) && strchr(",;<>", rest.data[end]) == NULL; end++)
        strbuf_append_char(&reader->word, rest.data[end]);
    strbuf_append_char(&reader->word, ']');
    reader->position += end;
}

static void take_atom(struct reader *reader)
{
    for (;;) {
        struct str rest = str_from(reader->text, reader->position);
        size_t plain = 0;

        while (plain < rest.len && !char_is_space(rest.data[plain]) && !is_special(rest.data[plain]))
            plain++;
        strbuf_append(&reader->word, str_part(rest, 0, plain));
        reader->position += plain;
        if (plain + 1 >= rest.len || rest.data[plain] != '\\')
            return;
        strbuf_append_char(&reader->word, rest.data[plain + 1]);
        reader->position += 2;
    }
}

static bool is_atom_start(const struct reader *reader)
{
    char c = reader_peek(reader);

    return !is_special(c) || (c == '\\' && reader->position + 1 < reader->text.len);
}

static void take_token(struct reader *reader)
{
    reader->is_after_blank = skip_blanks(reader);
    reader->start = reader->position;
    strbuf_clear(&reader->word);
    reader->type = TOKEN_WORD;
    if (reader_at_end(reader)) {
        reader->type = TOKEN_END;
    } else if (reader_peek(reader) == '"') {
        take_quoted(reader);
    } else if (is_atom_start(reader)) {
        take_atom(reader);
    } else if (reader_peek(reader) == '[') {
        take_literal(reader);
    } else {
        reader->type = TOKEN_SPECIAL;
        reader->special = reader->text.data[reader->position++];
    }
    reader->end = reader->position;
}

static void run_clear(struct run *run)
{
    run->words = 0;
    run->is_after_word = false;
    run->has_at = false;
    run->is_plain = true;
    run->start = run->end = 0;
    strbuf_clear(&run->address);
    strbuf_clear(&run->phrase);
}

static bool run_is_empty(const struct run *run)
{
    return run->end == 0;
}

/* Adds the token that the reader took last. */
static void run_add(struct run *run, const struct reader *reader)
{
    bool is_word = reader->type == TOKEN_WORD;
    struct str text = is_word ? strbuf_str(&reader->word) : str_make(&reader->special, 1);

    if (run_is_empty(run))
        run->start = reader->start;
    else if (reader->is_after_blank)
        strbuf_append_char(&run->phrase, ' ');
    if (is_word && run->is_after_word && reader->is_after_blank)
        strbuf_append_char(&run->address, ' ');
    strbuf_append(&run->address, text);
    strbuf_append(&run->phrase, text);
    run->end = reader->end;
    run->words += is_word;
    if (is_word ? run->is_after_word : strchr(".@:", reader->special) == NULL)
        run->is_plain = false;
    run->is_after_word = is_word;
    run->has_at = run->has_at || (!is_word && reader->special == '@');
}

static void add_item(struct parser *parser, struct str source, bool has_brackets)
{
    struct address_list *list = parser->list;
    struct str phrase = parser->name;

    if (list->count >= parser->max_items) {
        list->is_truncated = true;
        return;
    }
    if (list->count == parser->capacity) {
        size_t capacity = parser->capacity == 0 ? 8 : parser->capacity * 2;
        struct address_list_item *items = arena_new_array(parser->arena, capacity, struct address_list_item);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        parser->capacity = capacity;
    }
    if (phrase.len == 0)
        phrase = arena_str(parser->arena, strbuf_str(&parser->reader.comment));
    list->items[list->count++] = (struct address_list_item){
        .address = arena_str(parser->arena, strbuf_str(&parser->run.address)),
        .phrase = phrase,
        .source = source,
        .group = parser->group,
        .has_brackets = has_brackets,
        .is_plain = parser->run.is_plain,
        .has_comment = parser->reader.has_comment,
        .lacks_comma = parser->lacks_comma,
    };
}

/*
 * Gathers the tokens behind '<' up to '>'; a missing '>' is put before the next comma. A source route is dropped: where
 * it began, STR_NOT_FOUND without one.
 */
static size_t gather_angle(struct parser *parser)
{
    struct reader *reader = &parser->reader;
    struct run *run = &parser->run;
    size_t begin = 0, route = STR_NOT_FOUND;
    bool is_route = false;

    for (take_token(reader); reader->type != TOKEN_END; take_token(reader)) {
        char mark = reader->type == TOKEN_SPECIAL ? reader->special : '\0';

        if (mark == '>')
            break;
        if (mark == ',' && !is_route) {
            reader->position = reader->start;
            break;
        }
        if (mark == '@' && run_is_empty(run)) {
            is_route = true;
            begin = reader->start;
        }
        if (mark == ':' && is_route) {
            is_route = false;
            route = begin;
            run_clear(run);
            continue;
        }
        run_add(run, reader);
    }
    return route;
}

/* "<address>", from the token after '<' on. */
static void parse_angle(struct parser *parser)
{
    struct reader *reader = &parser->reader;
    struct run *run = &parser->run;
    size_t inside = reader->end;
    struct str source;
    size_t route;

    parser->name = arena_str(parser->arena, strbuf_str(&run->phrase));
    run_clear(run);
    strbuf_clear(&reader->comment);
    route = gather_angle(parser);
    run->is_plain = run->is_plain && reader->type == TOKEN_SPECIAL && reader->special == '>';
    if (run_is_empty(run))
        source = str_part(reader->text, inside, reader->start - inside);
    else if (route != STR_NOT_FOUND)
        source = str_part(reader->text, route, run->end - route);
    else
        source = str_part(reader->text, run->start, run->end - run->start);
    add_item(parser, source, true);
    run_clear(run);
    parser->is_done = true;
}

/*
 * "a@b c@d": people separate addresses by blanks alone, so words side by side (also "x y"z@d) begin a new address. The
 * element is read once more to find where.
 */
static void add_bare_items(struct parser *parser)
{
    struct run *run = &parser->run;
    struct reader *reader = &parser->reader;
    size_t after = reader->position;
    struct str all = reader->text;
    bool is_plain = run->is_plain;

    reader->text = str_part(all, 0, run->end);
    reader->position = run->start;
    run_clear(run);
    for (take_token(reader); reader->type != TOKEN_END; take_token(reader)) {
        if (reader->type == TOKEN_WORD && run->is_after_word) {
            run->is_plain = is_plain;
            add_item(parser, str_part(all, run->start, run->end - run->start), false);
            run_clear(run);
            parser->lacks_comma = true;
        }
        run_add(run, reader);
    }
    run->is_plain = is_plain;
    add_item(parser, str_part(all, run->start, run->end - run->start), false);
    parser->lacks_comma = false;
    reader->text = all;
    reader->position = after;
}

/* A list element ends here: what was gathered is an address of its own, unless an angle address was seen. */
static void end_element(struct parser *parser)
{
    struct run *run = &parser->run;
    enum token_type type = parser->reader.type;

    if (!parser->is_done && run->words > 0 && !run->is_plain)
        add_bare_items(parser);
    else if (!parser->is_done && run->words > 0)
        add_item(parser, str_part(parser->reader.text, run->start, run->end - run->start), false);
    else if (!run_is_empty(run))
        parser->list->junk_count++;
    parser->reader.type = type;
    run_clear(run);
    strbuf_clear(&parser->reader.comment);
    parser->reader.has_comment = false;
    parser->name = STR_EMPTY;
    parser->is_done = false;
}

/* A route stands only in brackets: what begins with '@' is no address. */
static bool is_within_address(const struct run *run)
{
    return run->has_at && !str_starts_with(strbuf_str(&run->address), STR("@"));
}

static void parse_special(struct parser *parser)
{
    struct run *run = &parser->run;

    switch (parser->reader.special) {
    case '<':
        if (!parser->is_done)
            parse_angle(parser);
        else
            run_add(run, &parser->reader);
        break;
    case ';':
        end_element(parser);
        parser->group = STR_EMPTY;
        break;
    case ',':
        end_element(parser);
        break;
    case ':':
        if (is_within_address(run) || parser->is_done || parser->reader.position > parser->last_group_end) {
            run_add(run, &parser->reader);
            break;
        }
        parser->group = arena_str(parser->arena, strbuf_str(&run->phrase));
        parser->list->group_count++;
        run_clear(run);
        break;
    default:
        run_add(run, &parser->reader);
    }
}

static void parse_all(struct parser *parser)
{
    do {
        take_token(&parser->reader);
        if (parser->reader.type == TOKEN_WORD)
            run_add(&parser->run, &parser->reader);
        else if (parser->reader.type == TOKEN_SPECIAL)
            parse_special(parser);
    } while (parser->reader.type != TOKEN_END && !parser->list->is_truncated);
    end_element(parser);
}

void address_list_parse(struct address_list *list, struct arena *arena, struct str text, size_t max_items)
{
    struct parser parser = { .list = list, .arena = arena, .max_items = max_items, .reader = { .text = text } };
    struct strbuf *buffers[] = { &parser.reader.word, &parser.reader.comment, &parser.run.address, &parser.run.phrase };

    *list = (struct address_list){ .text = text };
    if (str_contains_char(text, ';'))
        parser.last_group_end = str_find_last_char(text, ';');
    parser.run.is_plain = true;
    for (size_t i = 0; i < ARRAY_COUNT(buffers); i++)
        strbuf_init(buffers[i], 2 * text.len + 1);
    parse_all(&parser);
    for (size_t i = 0; i < ARRAY_COUNT(buffers); i++)
        strbuf_done(buffers[i]);
}

bool address_list_unparse(const struct address_list *list, struct strbuf *out)
{
    const char *done = list->text.data;
    const char *last_end = done;

    for (size_t i = 0; i < list->count; i++) {
        const struct address_list_item *item = &list->items[i];
        const char *start = item->source.data;

        /* UNSAFE: sources are views into text, in order and apart. */
        if (item->lacks_comma) {
            /* Only blanks behind the address before: "a\\ " ends with one of its own. */
            strbuf_append_bytes(out, done, (size_t) (last_end - done));
            strbuf_append(out, str_trim_right(str_make(last_end, (size_t) (start - last_end))));
            strbuf_append_c(out, ", ");
            done = start;
        }
        last_end = start + item->source.len;
        if (item->replacement.data == NULL)
            continue;
        strbuf_append_bytes(out, done, (size_t) (start - done));
        quote_address(out, item->replacement);
        done = last_end;
    }
    if (list->text.len > 0)
        strbuf_append_bytes(out, done, list->text.len - (size_t) (done - list->text.data));
    return !out->is_overflowed;
}

bool address_list_single(struct arena *arena, struct str text, struct str *address_out)
{
    struct address_list list;

    address_list_parse(&list, arena, text, 2);
    if (list.count != 1 || list.junk_count > 0 || list.group_count > 0)
        return false;
    *address_out = list.items[0].address;
    return true;
}
