/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dsn.h"

#include "base/cursor.h"
#include "mail/domain.h"
#include "mail/quote.h"
#include "mail/xtext.h"

#include <string.h>

/* Takes "5.1.1" off the cursor if it stands there, ended by a blank or the end. */
static bool take_status(struct cursor *cursor, struct dsn_status *status_out)
{
    struct cursor ahead = *cursor;
    uint64_t class, subject, detail;

    if (!cursor_take_uint64(&ahead, &class) || (class != 2 && class != 4 && class != 5))
        return false;
    if (!cursor_skip_char(&ahead, '.') || !cursor_take_uint64(&ahead, &subject) || subject > 999)
        return false;
    if (!cursor_skip_char(&ahead, '.') || !cursor_take_uint64(&ahead, &detail) || detail > 999)
        return false;
    if (!cursor_at_end(&ahead) && !char_is_space(cursor_peek(&ahead)))
        return false;
    *status_out = DSN_STATUS((unsigned char) class, (unsigned short) subject, (unsigned short) detail);
    *cursor = ahead;
    return true;
}

bool dsn_status_parse(struct str text, struct dsn_status *status_out)
{
    struct cursor cursor = cursor_over(text);
    struct dsn_status status;

    if (!take_status(&cursor, &status) || !cursor_at_end(&cursor))
        return false;
    *status_out = status;
    return true;
}

struct str dsn_status_format(struct dsn_status status, char buffer[DSN_STATUS_SIZE])
{
    struct strbuf text = { .data = buffer, .capacity = DSN_STATUS_SIZE, .maximum = DSN_STATUS_SIZE };

    strbuf_append_number(&text, status.class % 10u);
    strbuf_append_char(&text, '.');
    strbuf_append_number(&text, status.subject % 1000u);
    strbuf_append_char(&text, '.');
    strbuf_append_number(&text, status.detail % 1000u);
    strbuf_append_char(&text, '\0');
    return str_make(buffer, text.len - 1);
}

bool dsn_status_is_set(struct dsn_status status)
{
    return status.class != 0;
}

struct dsn_status dsn_split_text(struct str text, struct dsn_status fallback, bool keep_class, struct str *detail_out)
{
    struct cursor cursor = cursor_over(text);
    struct dsn_status status = fallback;

    if (take_status(&cursor, &status) && keep_class)
        status.class = fallback.class;
    *detail_out = str_trim_left(cursor.rest);
    return status;
}

struct dsn_status dsn_status_of_reply(int code, struct str text)
{
    struct cursor cursor = cursor_over(text);
    struct dsn_status general = DSN_STATUS((unsigned char) (code / 100), 0, 0);
    struct dsn_status status;

    if (code / 100 != 2 && code / 100 != 4 && code / 100 != 5)
        return DSN_STATUS(0, 0, 0);
    return take_status(&cursor, &status) && status.class == general.class ? status : general;
}

static const struct {
    const char *name;
    unsigned flag;
} notify_names[] = {
    { "NEVER", DSN_NOTIFY_NEVER },
    { "SUCCESS", DSN_NOTIFY_SUCCESS },
    { "FAILURE", DSN_NOTIFY_FAILURE },
    { "DELAY", DSN_NOTIFY_DELAY },
};

static unsigned notify_flag(struct str word)
{
    for (size_t i = 0; i < ARRAY_COUNT(notify_names); i++)
        if (str_equal_nocase(word, str_from_c(notify_names[i].name)))
            return notify_names[i].flag;
    return 0;
}

bool dsn_notify_parse(struct str text, unsigned *notify_out)
{
    struct str word;
    unsigned notify = 0;

    while (str_next_word(&text, ",", &word)) {
        unsigned flag = notify_flag(word);

        if (flag == 0)
            return false;
        notify |= flag;
    }
    if (notify == 0 || ((notify & DSN_NOTIFY_NEVER) && notify != DSN_NOTIFY_NEVER))
        return false;
    *notify_out = notify;
    return true;
}

bool dsn_notify_append(struct strbuf *out, unsigned notify)
{
    const char *separator = "";

    for (size_t i = 0; i < ARRAY_COUNT(notify_names); i++) {
        if (notify & notify_names[i].flag) {
            strbuf_printf(out, "%s%s", separator, notify_names[i].name);
            separator = ",";
        }
    }
    return !out->is_overflowed;
}

bool dsn_return_parse(struct str text, enum dsn_return *return_out)
{
    if (str_equal_nocase(text, STR("FULL")))
        *return_out = DSN_RETURN_FULL;
    else if (str_equal_nocase(text, STR("HDRS")))
        *return_out = DSN_RETURN_HEADERS;
    else
        return false;
    return true;
}

struct str dsn_return_name(enum dsn_return what)
{
    if (what == DSN_RETURN_FULL)
        return STR("FULL");
    return what == DSN_RETURN_HEADERS ? STR("HDRS") : STR_EMPTY;
}

static bool is_type_char(char c)
{
    return char_is_print(c) && c != ' ' && strchr("()<>@,;:\\\"[]", c) == NULL;
}

static bool is_utf8_type(struct str type)
{
    return str_equal_nocase(type, STR("utf-8"));
}

static bool is_orcpt_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!char_is_print(text.data[i]) && (unsigned char) text.data[i] < 0x80)
            return false;
    return true;
}

bool dsn_orcpt_parse(struct arena *arena, struct str text, struct str *type_out, struct str *address_out)
{
    struct cursor cursor = cursor_over(text);
    struct str type = cursor_take_while(&cursor, is_type_char);
    struct strbuf decoded;
    bool is_good;

    if (type.len == 0 || !cursor_skip_char(&cursor, ';'))
        return false;
    strbuf_init(&decoded, text.len);
    is_good = is_utf8_type(type) ? xtext_decode_utf8(&decoded, cursor.rest) : xtext_decode(&decoded, cursor.rest);
    is_good = is_good && is_orcpt_text(strbuf_str(&decoded));
    if (is_good) {
        *type_out = arena_str(arena, type);
        *address_out = arena_str(arena, strbuf_str(&decoded));
    }
    strbuf_done(&decoded);
    return is_good;
}

bool dsn_orcpt_append(struct strbuf *out, struct str type, struct str address)
{
    strbuf_append(out, type);
    strbuf_append_char(out, ';');
    return is_utf8_type(type) ? xtext_encode_utf8(out, address) : xtext_encode(out, address, "");
}

struct str dsn_orcpt_default(struct arena *arena, struct str address, bool may_be_utf8)
{
    struct strbuf text;
    struct str original;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append(&text, may_be_utf8 && !domain_is_ascii(address) ? STR("utf-8;") : STR("rfc822;"));
    quote_address(&text, address);
    original = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return original;
}
