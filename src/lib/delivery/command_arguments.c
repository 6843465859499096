/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_arguments.h"

#include "base/cursor.h"
#include "base/strbuf.h"
#include "delivery/command_attributes.h"
#include "mail/address.h"
#include "mail/casefold.h"
#include "mail/quote.h"
#include "protocol/deliver.h"

#include <inttypes.h>

/* ---- the values ---- */

struct value {
    const struct command_argument_source *source;
    const struct deliver_recipient *recipient;
    struct arena *arena;
    struct strbuf *out;
};

static void append(const struct value *value, struct str text, enum command_flag fold)
{
    struct str folded = (value->source->flags & (unsigned) fold) != 0 ? casefold(value->arena, text) : text;

    strbuf_append(value->out, folded);
}

static void append_address(const struct value *value, struct str address)
{
    if ((value->source->flags & COMMAND_QUOTE) != 0)
        (void) quote_address(value->out, address);
    else
        strbuf_append(value->out, address);
}

static void append_recipient_address(const struct value *value, struct str address)
{
    struct value part = *value;
    struct strbuf folded;
    struct str local, domain;
    bool has_domain = address_split(address, &local, &domain);

    strbuf_init(&folded, STRBUF_UNLIMITED);
    part.out = &folded;
    append(&part, local, COMMAND_FOLD_LOCAL_PART);
    if (has_domain)
        strbuf_append_char(&folded, '@');
    append(&part, domain, COMMAND_FOLD_DOMAIN);
    append_address(value, strbuf_str(&folded));
    strbuf_done(&folded);
}

static void put_attribute(const struct value *value, struct str name)
{
    strbuf_append(value->out, deliver_attribute(&value->source->request->attributes, name));
}

static void put_client_address(const struct value *value)
{
    put_attribute(value, STR("client_address"));
}

static void put_client_helo(const struct value *value)
{
    put_attribute(value, STR("helo_name"));
}

static void put_client_hostname(const struct value *value)
{
    put_attribute(value, STR("client_name"));
}

static void put_client_port(const struct value *value)
{
    put_attribute(value, STR("client_port"));
}

static void put_client_protocol(const struct value *value)
{
    put_attribute(value, STR("protocol_name"));
}

static void put_sasl_method(const struct value *value)
{
    put_attribute(value, STR("sasl_method"));
}

static void put_sasl_sender(const struct value *value)
{
    put_attribute(value, STR("sasl_sender"));
}

static void put_sasl_username(const struct value *value)
{
    put_attribute(value, STR("sasl_username"));
}

static void put_nexthop(const struct value *value)
{
    append(value, value->source->request->nexthop, COMMAND_FOLD_DOMAIN);
}

static void put_queue_id(const struct value *value)
{
    strbuf_append(value->out, value->source->request->queue_id);
}

/* As on the wire, where each line ends with two bytes. */
static void put_size(const struct value *value)
{
    strbuf_printf(value->out, "%" PRIu64, value->source->request->size + value->source->request->lines);
}

static void put_sender(const struct value *value)
{
    struct str sender = value->source->request->sender;

    append_address(value, str_is_empty(sender) ? value->source->null_sender : sender);
}

static void put_domain(const struct value *value)
{
    append(value, address_domain(value->recipient->address), COMMAND_FOLD_DOMAIN);
}

static void put_mailbox(const struct value *value)
{
    append(value, address_local(value->recipient->address), COMMAND_FOLD_LOCAL_PART);
}

static void split_mailbox(const struct value *value, struct str *user_out, struct str *extension_out)
{
    struct str local = address_local(value->recipient->address);

    *user_out = local;
    *extension_out = STR_EMPTY;
    (void) address_split_extension(local, value->source->delimiters, value->source->is_owner_special, user_out,
                                   extension_out);
}

static void put_user(const struct value *value)
{
    struct str user, extension;

    split_mailbox(value, &user, &extension);
    append(value, user, COMMAND_FOLD_LOCAL_PART);
}

static void put_extension(const struct value *value)
{
    struct str user, extension;

    split_mailbox(value, &user, &extension);
    append(value, extension, COMMAND_FOLD_LOCAL_PART);
}

static void put_recipient(const struct value *value)
{
    append_recipient_address(value, value->recipient->address);
}

static void put_original_recipient(const struct value *value)
{
    const struct deliver_recipient *recipient = value->recipient;

    append_recipient_address(value, str_is_empty(recipient->original) ? recipient->address : recipient->original);
}

static const struct macro {
    const char *name;
    void (*put)(const struct value *value);
    bool is_recipients; /* each recipient has its own */
} macros[] = {
    { "client_address", put_client_address, false },
    { "client_helo", put_client_helo, false },
    { "client_hostname", put_client_hostname, false },
    { "client_port", put_client_port, false },
    { "client_protocol", put_client_protocol, false },
    { "domain", put_domain, true },
    { "extension", put_extension, true },
    { "mailbox", put_mailbox, true },
    { "nexthop", put_nexthop, false },
    { "original_recipient", put_original_recipient, true },
    { "queue_id", put_queue_id, false },
    { "recipient", put_recipient, true },
    { "sasl_method", put_sasl_method, false },
    { "sasl_sender", put_sasl_sender, false },
    { "sasl_username", put_sasl_username, false },
    { "sender", put_sender, false },
    { "size", put_size, false },
    { "user", put_user, true },
};

/* ---- the words ---- */

static bool is_name_char(char c)
{
    return char_is_alnum(c) || c == '_';
}

/* What comes next in a word: text, or a macro. False at the end, or with *why set. */
struct piece {
    struct str text;
    const struct macro *macro; /* NULL: text */
};

static bool take_name(struct cursor *cursor, struct str *name_out)
{
    char open = cursor_peek(cursor);
    const char *close = open == '{' ? "}" : ")";

    if (open != '{' && open != '(') {
        *name_out = cursor_take_while(cursor, is_name_char);
        return true;
    }
    cursor_skip_char(cursor, open);
    *name_out = cursor_take_until(cursor, close);
    return cursor_skip_char(cursor, close[0]);
}

static bool take_macro(struct cursor *cursor, struct str word, struct piece *piece_out, struct failure *why)
{
    struct str name;

    *piece_out = (struct piece){ STR_EMPTY, NULL };
    if (cursor_skip_char(cursor, '$')) {
        piece_out->text = STR("$");
        return true;
    }
    if (!take_name(cursor, &name))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "truncated macro reference: \"%.*s\"", STR_ARG(word));
    for (size_t i = 0; i < ARRAY_COUNT(macros); i++) {
        if (str_equal(name, str_from_c(macros[i].name))) {
            piece_out->macro = &macros[i];
            return true;
        }
    }
    return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown macro name: \"%.*s\"", STR_ARG(name));
}

static bool take_piece(struct cursor *cursor, struct str word, struct piece *piece_out, struct failure *why)
{
    if (cursor_skip_char(cursor, '$'))
        return take_macro(cursor, word, piece_out, why);
    *piece_out = (struct piece){ cursor_take_until(cursor, "$"), NULL };
    return true;
}

static bool check_word(struct str word, bool *is_recipients_out, struct failure *why)
{
    struct cursor cursor = cursor_over(word);
    struct piece piece;

    *is_recipients_out = false;
    while (!cursor_at_end(&cursor)) {
        if (!take_piece(&cursor, word, &piece, why))
            return false;
        if (piece.macro != NULL && piece.macro->is_recipients)
            *is_recipients_out = true;
    }
    return true;
}

/* word is known to be good. */
static struct str expand_word(struct str word, const struct command_argument_source *source, size_t recipient,
                              struct arena *arena)
{
    struct cursor cursor = cursor_over(word);
    struct strbuf out;
    const struct value value = { source, &source->recipients[recipient], arena, &out };
    struct piece piece;
    struct str text;

    strbuf_init(&out, STRBUF_UNLIMITED);
    while (!cursor_at_end(&cursor) && take_piece(&cursor, word, &piece, NULL)) {
        if (piece.macro != NULL)
            piece.macro->put(&value);
        else
            strbuf_append(&out, piece.text);
    }
    text = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return text;
}

bool command_arguments_check(const struct strlist *words, struct failure *why)
{
    bool ignored;

    for (size_t i = 0; i < words->count; i++) {
        if (!check_word(words->items[i], &ignored, why))
            return false;
    }
    return true;
}

bool command_arguments_expand(const struct strlist *words, const struct command_argument_source *source,
                              struct arena *arena, const char *const **argv_out, struct failure *why)
{
    struct strlist expanded = { 0 };
    const char **argv;

    for (size_t i = 0; i < words->count; i++) {
        bool is_recipients;
        size_t count;

        if (!check_word(words->items[i], &is_recipients, why))
            return false;
        count = is_recipients ? source->recipient_count : 1;
        for (size_t j = 0; j < count; j++)
            strlist_add_view(&expanded, arena, expand_word(words->items[i], source, j, arena));
    }
    argv = arena_new_array(arena, expanded.count + 1, const char *);
    for (size_t i = 0; i < expanded.count; i++)
        argv[i] = arena_c(arena, expanded.items[i]);
    *argv_out = argv;
    return true;
}
