/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/packet.h"

#include "base/cursor.h"
#include "base/strbuf.h"

enum { REPLY_LINES_MAXIMUM = 100, REPLY_LINE_MAXIMUM = 980, MACRO_NAMES_MAXIMUM = 4096 };

/* ---- names ---- */

const char *milter_command_name(char letter)
{
    switch (letter) {
    case MILTER_COMMAND_ABORT:
        return "SMFIC_ABORT";
    case MILTER_COMMAND_BODY:
        return "SMFIC_BODY";
    case MILTER_COMMAND_CONNECT:
        return "SMFIC_CONNECT";
    case MILTER_COMMAND_MACROS:
        return "SMFIC_MACRO";
    case MILTER_COMMAND_END_OF_BODY:
        return "SMFIC_BODYEOB";
    case MILTER_COMMAND_HELO:
        return "SMFIC_HELO";
    case MILTER_COMMAND_HEADER:
        return "SMFIC_HEADER";
    case MILTER_COMMAND_MAIL:
        return "SMFIC_MAIL";
    case MILTER_COMMAND_END_OF_HEADERS:
        return "SMFIC_EOH";
    case MILTER_COMMAND_NEGOTIATE:
        return "SMFIC_OPTNEG";
    case MILTER_COMMAND_QUIT:
        return "SMFIC_QUIT";
    case MILTER_COMMAND_RCPT:
        return "SMFIC_RCPT";
    case MILTER_COMMAND_DATA:
        return "SMFIC_DATA";
    case MILTER_COMMAND_UNKNOWN:
        return "SMFIC_UNKNOWN";
    default:
        return "(unknown MTA event)";
    }
}

const char *milter_response_name(char letter)
{
    static const struct {
        char letter;
        const char *name;
    } names[] = {
        { MILTER_RESPONSE_ADD_RECIPIENT, "SMFIR_ADDRCPT" },
        { MILTER_RESPONSE_DELETE_RECIPIENT, "SMFIR_DELRCPT" },
        { MILTER_RESPONSE_ADD_RECIPIENT_WITH, "SMFIR_ADDRCPT_PAR" },
        { MILTER_RESPONSE_SHUTDOWN, "SMFIR_SHUTDOWN" },
        { MILTER_RESPONSE_ACCEPT, "SMFIR_ACCEPT" },
        { MILTER_RESPONSE_REPLACE_BODY, "SMFIR_REPLBODY" },
        { MILTER_RESPONSE_CONTINUE, "SMFIR_CONTINUE" },
        { MILTER_RESPONSE_DISCARD, "SMFIR_DISCARD" },
        { MILTER_RESPONSE_CHANGE_SENDER, "SMFIR_CHGFROM" },
        { MILTER_RESPONSE_CONNECTION_FAILURE, "SMFIR_CONN_FAIL" },
        { MILTER_RESPONSE_ADD_HEADER, "SMFIR_ADDHEADER" },
        { MILTER_RESPONSE_INSERT_HEADER, "SMFIR_INSHEADER" },
        { MILTER_RESPONSE_SYMBOLS, "SMFIR_SETSYMLIST" },
        { MILTER_RESPONSE_CHANGE_HEADER, "SMFIR_CHGHEADER" },
        { MILTER_RESPONSE_PROGRESS, "SMFIR_PROGRESS" },
        { MILTER_RESPONSE_QUARANTINE, "SMFIR_QUARANTINE" },
        { MILTER_RESPONSE_REJECT, "SMFIR_REJECT" },
        { MILTER_RESPONSE_SKIP, "SMFIR_SKIP" },
        { MILTER_RESPONSE_TEMPFAIL, "SMFIR_TEMPFAIL" },
        { MILTER_RESPONSE_REPLY, "SMFIR_REPLYCODE" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (names[i].letter == letter)
            return names[i].name;
    }
    return "(unknown filter reply)";
}

/* ---- what is said ---- */

static void put_number(char bytes[MILTER_LENGTH_BYTES], uint32_t number)
{
    for (int i = 0; i < MILTER_LENGTH_BYTES; i++)
        bytes[i] = (char) (number >> (8 * (MILTER_LENGTH_BYTES - 1 - i)));
}

size_t milter_packet_begin(struct strbuf *out, char letter)
{
    size_t begin = out->len;

    milter_packet_number(out, 0);
    strbuf_append_char(out, letter);
    return begin;
}

void milter_packet_text(struct strbuf *out, struct str text)
{
    struct str rest;

    (void) str_cut(text, '\0', &text, &rest);
    strbuf_append(out, text);
    strbuf_append_char(out, '\0');
}

void milter_packet_number(struct strbuf *out, uint32_t number)
{
    char bytes[MILTER_LENGTH_BYTES];

    put_number(bytes, number);
    strbuf_append_bytes(out, bytes, sizeof bytes);
}

void milter_packet_end(struct strbuf *out, size_t begin)
{
    /* UNSAFE: milter_packet_begin put these bytes there. */
    put_number(out->data + begin, (uint32_t) (out->len - begin - MILTER_LENGTH_BYTES));
}

uint32_t milter_steps_of(unsigned version, bool has_no_header_reply)
{
    uint32_t steps = (MILTER_STEP_NO_END_OF_HEADERS << 1) - 1;

    if (version >= 6)
        return (MILTER_STEP_LEADING_SPACE << 1) - 1;
    if (version >= 3)
        steps |= MILTER_STEP_NO_UNKNOWN;
    if (version >= 4)
        steps |= MILTER_STEP_NO_DATA;
    return has_no_header_reply ? steps | MILTER_STEP_NO_REPLY_HEADER : steps;
}

/* ---- what is heard ---- */

static uint32_t number_at(const char *bytes)
{
    uint32_t number = 0;

    for (int i = 0; i < MILTER_LENGTH_BYTES; i++)
        number = number << 8 | (unsigned char) bytes[i];
    return number;
}

static bool take_number(struct cursor *cursor, uint32_t *number_out)
{
    struct str bytes;

    if (!cursor_take(cursor, MILTER_LENGTH_BYTES, &bytes))
        return false;
    *number_out = number_at(bytes.data);
    return true;
}

/* Up to its NUL, which must be there. */
static bool take_text(struct cursor *cursor, struct str *text_out)
{
    size_t end = str_find_char(cursor->rest, '\0');

    if (end == STR_NOT_FOUND || !cursor_take(cursor, end, text_out))
        return false;
    return cursor_skip_char(cursor, '\0');
}

bool milter_packet_length(const char bytes[MILTER_LENGTH_BYTES], uint32_t *length_out, struct failure *why)
{
    uint32_t length = number_at(bytes);

    if (length == 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "bad packet length: %u", length);
    if (length > MILTER_PACKET_MAXIMUM)
        return failure_set(why, FAILURE_PROTOCOL, 0, "unreasonable packet length: %u > %u", length,
                           (unsigned) MILTER_PACKET_MAXIMUM);
    *length_out = length;
    return true;
}

static bool take_macros(struct cursor *cursor, struct arena *arena, struct milter_agreement *agreement,
                        struct failure *why)
{
    uint32_t stage;
    struct str names;

    while (!cursor_at_end(cursor)) {
        if (!take_number(cursor, &stage) || !take_text(cursor, &names) || names.len > MACRO_NAMES_MAXIMUM)
            return failure_set(why, FAILURE_PROTOCOL, 0, "malformed macro list in initial handshake");
        if (stage >= MILTER_STAGE_UNKNOWN_COMMAND)
            return failure_set(why, FAILURE_PROTOCOL, 0, "unknown macro stage %u in initial handshake", stage);
        agreement->macros[stage] = arena_str(arena, names);
        agreement->has_macros[stage] = true;
    }
    return true;
}

bool milter_agreement_parse(struct str data, unsigned version, uint32_t steps, struct arena *arena,
                            struct milter_agreement *agreement_out, struct failure *why)
{
    struct milter_agreement agreement = { 0 };
    struct cursor cursor = cursor_over(data);
    uint32_t its_version;

    if (!take_number(&cursor, &its_version) || !take_number(&cursor, &agreement.rights) ||
        !take_number(&cursor, &agreement.steps))
        return failure_set(why, FAILURE_PROTOCOL, 0, "short reply in initial handshake");
    if (its_version < 2)
        return failure_set(why, FAILURE_PROTOCOL, 0, "unexpected protocol version %u", its_version);
    if (its_version > version)
        return failure_set(why, FAILURE_PROTOCOL, 0, "protocol version %u conflict with MTA protocol version %u",
                           its_version, version);
    if ((agreement.rights & ~(uint32_t) MILTER_RIGHTS) != 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "request mask 0x%x conflict with MTA request mask 0x%x",
                           agreement.rights, (unsigned) MILTER_RIGHTS);
    if (!take_macros(&cursor, arena, &agreement, why))
        return false;
    agreement.version = its_version;
    agreement.steps &= steps;
    *agreement_out = agreement;
    return true;
}

bool milter_is_change(char letter)
{
    return letter != '\0' && strchr("+-2behimq", letter) != NULL;
}

/* ---- changes ---- */

static bool malformed(char letter, struct failure *why)
{
    return failure_set(why, FAILURE_PROTOCOL, 0, "malformed %s", milter_response_name(letter));
}

/* RFC 5322 section 2.2. */
static bool is_field_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] == ':' || name.data[i] == 127)
            return false;
    }
    return name.len > 0;
}

/* Without CR before LF, a blank in front of lines that lack one: what a milter says of a field stays in it. */
static struct str tame_value(struct str value, bool has_leading_space, struct arena *arena)
{
    struct strbuf text;
    struct str rest = value, line, tamed;
    bool has_more;

    strbuf_init(&text, STRBUF_UNLIMITED);
    if (!has_leading_space && value.len > 0)
        strbuf_append_char(&text, ' ');
    do {
        has_more = str_cut(rest, '\n', &line, &rest);
        if (str_ends_with(line, STR("\r")))
            line.len--;
        strbuf_append(&text, line);
        if (has_more && rest.len == 0)
            break;
        if (has_more)
            strbuf_append_c(&text, rest.data[0] == ' ' || rest.data[0] == '\t' ? "\n" : "\n\t");
    } while (has_more);
    tamed = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return tamed;
}

static bool parse_header(char letter, struct cursor *cursor, const struct milter_agreement *agreement,
                         struct arena *arena, struct milter_change *change, struct failure *why)
{
    bool has_index = letter != MILTER_RESPONSE_ADD_HEADER;

    if ((has_index && !take_number(cursor, &change->index)) || !take_text(cursor, &change->name) ||
        !take_text(cursor, &change->value) || !cursor_at_end(cursor) || !is_field_name(change->name))
        return malformed(letter, why);
    change->value = tame_value(change->value, (agreement->steps & MILTER_STEP_LEADING_SPACE) != 0, arena);
    return true;
}

static bool parse_address(char letter, struct cursor *cursor, bool may_have_arguments, struct milter_change *change,
                          struct failure *why)
{
    if (!take_text(cursor, &change->address) || str_find_any(change->address, "\r\n") != STR_NOT_FOUND)
        return malformed(letter, why);
    if (may_have_arguments && !cursor_at_end(cursor) && !take_text(cursor, &change->arguments))
        return malformed(letter, why);
    return cursor_at_end(cursor) || malformed(letter, why);
}

static bool parse_reason(char letter, struct cursor *cursor, struct milter_change *change, struct failure *why)
{
    return (take_text(cursor, &change->reason) && cursor_at_end(cursor)) || malformed(letter, why);
}

bool milter_change_parse(char letter, struct str data, const struct milter_agreement *agreement, struct arena *arena,
                         struct milter_change *change_out, struct failure *why)
{
    static const struct {
        char letter;
        enum milter_change_kind kind;
    } rows[] = {
        { MILTER_RESPONSE_ADD_HEADER, MILTER_CHANGE_ADD_HEADER },
        { MILTER_RESPONSE_INSERT_HEADER, MILTER_CHANGE_INSERT_HEADER },
        { MILTER_RESPONSE_CHANGE_HEADER, MILTER_CHANGE_CHANGE_HEADER },
        { MILTER_RESPONSE_CHANGE_SENDER, MILTER_CHANGE_SENDER },
        { MILTER_RESPONSE_ADD_RECIPIENT, MILTER_CHANGE_ADD_RECIPIENT },
        { MILTER_RESPONSE_ADD_RECIPIENT_WITH, MILTER_CHANGE_ADD_RECIPIENT },
        { MILTER_RESPONSE_DELETE_RECIPIENT, MILTER_CHANGE_DELETE_RECIPIENT },
        { MILTER_RESPONSE_REPLACE_BODY, MILTER_CHANGE_BODY },
        { MILTER_RESPONSE_QUARANTINE, MILTER_CHANGE_QUARANTINE },
    };
    struct milter_change change = { .kind = MILTER_CHANGE_NONE };
    struct cursor cursor = cursor_over(data);
    bool is_good = false;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].letter == letter)
            change.kind = rows[i].kind;
    }
    switch (change.kind) {
    case MILTER_CHANGE_ADD_HEADER:
    case MILTER_CHANGE_INSERT_HEADER:
    case MILTER_CHANGE_CHANGE_HEADER:
        is_good = parse_header(letter, &cursor, agreement, arena, &change, why);
        break;
    case MILTER_CHANGE_SENDER:
    case MILTER_CHANGE_ADD_RECIPIENT:
        is_good = parse_address(letter, &cursor, letter != MILTER_RESPONSE_ADD_RECIPIENT, &change, why);
        break;
    case MILTER_CHANGE_DELETE_RECIPIENT:
        is_good = parse_address(letter, &cursor, false, &change, why);
        break;
    case MILTER_CHANGE_BODY:
        change.bytes = data;
        is_good = true;
        break;
    case MILTER_CHANGE_QUARANTINE:
        is_good = parse_reason(letter, &cursor, &change, why);
        break;
    case MILTER_CHANGE_NONE:
        return malformed(letter, why);
    }
    if (is_good)
        *change_out = change;
    return is_good;
}

/* ---- replies ---- */

static bool is_code(struct str line)
{
    return line.len >= 4 && (line.data[0] == '4' || line.data[0] == '5') && char_is_digit(line.data[1]) &&
           char_is_digit(line.data[2]) && (line.data[3] == ' ' || line.data[3] == '-');
}

/* An enhanced code that says something else than the code is a mistake. */
static bool has_foreign_class(struct str line)
{
    struct str text = str_from(line, 4);

    return text.len >= 5 && char_is_digit(text.data[0]) && text.data[1] == '.' && char_is_digit(text.data[2]) &&
           text.data[0] != line.data[0];
}

/* "%%" stands for one "%", and a single one for nothing: smfi_setreply has it so. Control bytes become blanks. */
static void append_text(struct strbuf *out, struct str text)
{
    text = str_part(text, 0, REPLY_LINE_MAXIMUM);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c == '%') {
            if (i + 1 >= text.len || text.data[i + 1] != '%')
                continue;
            i++;
        }
        strbuf_append_char(out, c < ' ' || c == 127 ? ' ' : text.data[i]);
    }
}

bool milter_reply_parse(struct str data, struct arena *arena, struct str *reply_out)
{
    struct str text = data, rest, line, code;
    struct strbuf reply;
    bool has_more = true;

    (void) str_cut(text, '\0', &text, &rest);
    text = str_trim_right(text);
    if (!is_code(text) || text.len == 4 || has_foreign_class(text))
        return false;
    code = str_part(text, 0, 3);
    rest = text;
    strbuf_init(&reply, STRBUF_UNLIMITED);
    for (int i = 0; has_more && i < REPLY_LINES_MAXIMUM; i++) {
        has_more = str_cut(rest, '\n', &line, &rest) && i + 1 < REPLY_LINES_MAXIMUM;
        line = str_trim_right(line);
        if (i > 0)
            strbuf_append_char(&reply, '\n');
        strbuf_append(&reply, code);
        strbuf_append_char(&reply, has_more ? '-' : ' ');
        append_text(&reply, is_code(line) ? str_from(line, 4) : line);
    }
    *reply_out = arena_str(arena, strbuf_str(&reply));
    strbuf_done(&reply);
    return true;
}
