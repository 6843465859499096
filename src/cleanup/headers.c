/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/headers.h"

#include "cleanup/inspection.h"
#include "cleanup/log_lines.h"
#include "cleanup/rewriter.h"
#include "cleanup/service.h"
#include "mail/address_list.h"
#include "mail/date.h"
#include "mail/domain.h"
#include "mail/encoded_word.h"
#include "mail/header.h"
#include "mail/quote.h"

#include <time.h>

static bool has_seen(const struct message *message, enum header_type type)
{
    return (message->headers_seen & (UINT64_C(1) << type)) != 0;
}

static void write_field(struct message *message, struct str field)
{
    message_write(message, field);
    message_write(message, STR("\n"));
    if (message->has_8bit && !domain_is_ascii(field))
        message->has_utf8_header = true;
}

/* Without blanks around and folds within: for the log and the envelope. */
static struct str message_id_of(struct message *message, struct str value)
{
    struct strbuf text;
    struct str id;

    strbuf_init(&text, value.len + 1);
    header_unfold(&text, value);
    id = arena_str(message->arena, str_trim(strbuf_str(&text)));
    strbuf_done(&text);
    return id;
}

static void note_message_id(struct message *message, enum header_type type, struct str value)
{
    struct str id;

    if (type != HEADER_MESSAGE_ID && type != HEADER_RESENT_MESSAGE_ID)
        return;
    if (has_seen(message, type))
        return;
    id = message_id_of(message, value);
    log_message_id(message->queue_id, type == HEADER_RESENT_MESSAGE_ID, id);
    if (type == HEADER_MESSAGE_ID)
        message->envelope.message_id = id;
}

static void count_hop(struct message *message)
{
    if (++message->envelope.hop_count != (unsigned) message->service->settings->hopcount_limit)
        return;
    log_too_many_hops(message->queue_id);
    message_fail(message, CLEANUP_TOO_MANY_HOPS, STR_EMPTY, STR_EMPTY);
}

/* False when the message has failed. */
static bool standardize(struct message *message, struct str *addresses, size_t count)
{
    struct failure why;

    if (rewriter_standardize(message->service->rewriter, message->has_local_context, addresses, count, message->scratch,
                             &why))
        return true;
    log_rewrite_problem(message->queue_id, why.text);
    message_defer(message);
    return false;
}

/* From standard form to what is to stand in the header; false when the message has failed. */
static bool map_canonical(struct message *message, const struct header_kind *kind, struct str *addresses, size_t count)
{
    struct service *service = message->service;
    struct mapping_context context = message_mapping_context(message, message->scratch);
    enum mapping_class class = kind->flags & HEADER_SENDER ? MAPPING_HEADER_SENDER : MAPPING_HEADER_RECIPIENT;

    if (!(message->flags & CLEANUP_FLAG_MAP_OK) || !mapping_has_canonical(service->mapping, class))
        return true;
    for (size_t i = 0; i < count; i++) {
        enum mapping_result result = mapping_canonical(service->mapping, &context, class, &addresses[i]);

        if (result != MAPPING_DONE) {
            message_fail_mapping(message, result);
            return false;
        }
    }
    return true;
}

static void extract(struct message *message, const struct header_kind *kind, const struct address_list *list,
                    const struct str *addresses)
{
    bool is_resent = (kind->flags & HEADER_RESENT) != 0;
    struct strlist *to = is_resent ? &message->extracted_resent : &message->extracted;
    struct strlist *originals = is_resent ? &message->extracted_resent_original : &message->extracted_original;

    for (size_t i = 0; i < list->count; i++) {
        /* "<>" is nobody. */
        if (list->items[i].has_brackets && list->items[i].address.len == 0)
            continue;
        strlist_add(to, message->arena, addresses[i]);
        strlist_add(originals, message->arena, list->items[i].address);
    }
}

static bool is_extracted(const struct message *message, const struct header_kind *kind)
{
    return (message->flags & CLEANUP_FLAG_EXTRACT) && (kind->flags & HEADER_EXTRACT);
}

/* The field with its addresses rewritten, in scratch; the field itself where nothing changed. */
static struct str rewrite_field(struct message *message, const struct header_kind *kind, struct str field)
{
    size_t colon = str_find_char(field, ':');
    size_t limit = (size_t) message->service->settings->header_address_token_limit;
    struct address_list list;
    struct str *addresses;
    struct strbuf text;
    bool is_changed = false;

    address_list_parse(&list, message->scratch, str_from(field, colon + 1), limit);
    addresses = arena_new_array(message->scratch, list.count + 1, struct str);
    for (size_t i = 0; i < list.count; i++)
        addresses[i] = list.items[i].address;
    if (!standardize(message, addresses, list.count))
        return field;
    /* Recipients are mapped as all of the envelope. */
    if (is_extracted(message, kind))
        extract(message, kind, &list, addresses);
    if (!map_canonical(message, kind, addresses, list.count))
        return field;
    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < list.count; i++) {
        /* Routes and needless quotes go too. */
        strbuf_clear(&text);
        quote_address(&text, addresses[i]);
        if (addresses[i].len == 0 || str_equal(strbuf_str(&text), list.items[i].source))
            continue;
        list.items[i].replacement = addresses[i];
        is_changed = true;
    }
    if (!is_changed) {
        strbuf_done(&text);
        return field;
    }
    strbuf_clear(&text);
    strbuf_append(&text, str_part(field, 0, colon + 1));
    address_list_unparse(&list, &text);
    field = arena_str(message->scratch, strbuf_str(&text));
    strbuf_done(&text);
    return field;
}

/* "Name : value", as old software wrote it, becomes "Name: value". */
static struct str without_blanks_before_colon(struct message *message, const struct header_field *parts)
{
    size_t colon = str_find_char(parts->whole, ':');
    struct strbuf text;
    struct str field;

    if (colon == parts->name.len)
        return parts->whole;
    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append(&text, parts->name);
    strbuf_append(&text, str_from(parts->whole, colon));
    field = arena_str(message->scratch, strbuf_str(&text));
    strbuf_done(&text);
    return field;
}

static bool is_dropped(const struct message *message, struct str name)
{
    return strlist_contains_nocase(&message->service->settings->message_drop_headers, name);
}

/* A field as the checks left it. */
static void take_inspected(struct message *message, struct str field)
{
    struct str rest = field;
    struct header_field parts;
    const struct header_kind *kind;

    if (!header_take_field(&rest, &parts))
        return;
    kind = header_kind_find(parts.name);
    if (kind->type == HEADER_RECEIVED)
        count_hop(message);
    note_message_id(message, kind->type, parts.value);
    if (kind->flags & HEADER_RESENT)
        message->is_resent = true;
    if ((kind->flags & (HEADER_SENDER | HEADER_RECIPIENT)) &&
        (message->rewrites_headers || is_extracted(message, kind)))
        field = rewrite_field(message, kind, field);
    /* What was dropped is not missing. */
    message->headers_seen |= UINT64_C(1) << kind->type;
    if (!is_dropped(message, parts.name))
        write_field(message, field);
}

void headers_take(struct message *message, struct str field, enum checks_class class)
{
    struct str rest = field;
    struct header_field parts;

    if (!header_take_field(&rest, &parts))
        return;
    field = without_blanks_before_colon(message, &parts);
    if (!inspection_is_on(message) || inspection_field(message, class, &field))
        take_inspected(message, field);
    arena_reset(message->scratch);
}

/* ---- what is missing ---- */

/* A short queue id may come again one day, a long one does not. */
static struct str make_message_id(const struct message *message)
{
    const struct shared_settings *shared = message->service->shared;
    time_t arrival = (time_t) instant_seconds(message->envelope.arrival);
    struct tm parts = { 0 };

    if (shared->enable_long_queue_ids)
        return arena_printf(message->arena, "<%.*s@%.*s>", STR_ARG(message->queue_id), STR_ARG(shared->myhostname));
    gmtime_r(&arrival, &parts);
    return arena_printf(message->arena, "<%04d%02d%02d%02d%02d%02d.%.*s@%.*s>", parts.tm_year + 1900, parts.tm_mon + 1,
                        parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, STR_ARG(message->queue_id),
                        STR_ARG(shared->myhostname));
}

static void add_message_id(struct message *message, const char *prefix)
{
    struct str id = make_message_id(message);

    write_field(message, arena_printf(message->scratch, "%sMessage-Id: %.*s", prefix, STR_ARG(id)));
    log_message_id(message->queue_id, prefix[0] != '\0', id);
    if (prefix[0] == '\0')
        message->envelope.message_id = id;
}

static void add_date(struct message *message, const char *prefix)
{
    struct strbuf text;

    strbuf_init(&text, 200);
    strbuf_printf(&text, "%sDate: ", prefix);
    date_append(&text, message->envelope.arrival);
    write_field(message, strbuf_str(&text));
    strbuf_done(&text);
}

static bool is_blank(char c)
{
    return (unsigned char) c <= ' ' || c == 127;
}

/* A display name: words that are atoms as they are, all else quoted. Blanks, line ends among them, only part words. */
static void append_phrase(struct strbuf *out, struct str name)
{
    struct strbuf words;
    bool is_plain = true;

    strbuf_init(&words, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (is_blank(c))
            continue;
        if (i > 0 && is_blank(name.data[i - 1]) && words.len > 0)
            strbuf_append_char(&words, ' ');
        is_plain = is_plain && strchr("()<>@,;:\\\".[]", c) == NULL;
        strbuf_append_char(&words, c);
    }
    if (is_plain)
        strbuf_append(out, strbuf_str(&words));
    else
        quote_string(out, strbuf_str(&words));
    strbuf_done(&words);
}

/* Whether a comment ends where it is meant to. */
static bool is_balanced(struct str text)
{
    int depth = 0;

    for (size_t i = 0; i < text.len && depth >= 0; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '(' || text.data[i] == ')')
            depth += text.data[i] == '(' ? 1 : -1;
        if (i >= text.len)
            return false;
    }
    return depth == 0;
}

static void append_comment(struct strbuf *out, struct str name)
{
    bool is_sound = is_balanced(name);

    strbuf_append(out, STR(" ("));
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (is_blank(c) && c != '\t')
            c = ' ';
        if (!is_sound && (c == '(' || c == ')' || c == '\\'))
            strbuf_append_char(out, '\\');
        strbuf_append_char(out, c);
    }
    strbuf_append_char(out, ')');
}

/* The name of the sender, encoded where it is not ASCII. In scratch. */
static struct str full_name(struct message *message)
{
    struct str charset = message->service->settings->full_name_encoding_charset;
    struct str name = message->full_name;
    struct strbuf text;

    if (charset.len == 0 || domain_is_ascii(name))
        return name;
    strbuf_init(&text, STRBUF_UNLIMITED);
    encoded_words_append(&text, charset, name);
    name = arena_str(message->scratch, strbuf_str(&text));
    strbuf_done(&text);
    return name;
}

static void add_from(struct message *message, const char *prefix)
{
    struct str name = full_name(message);
    bool is_obsolete = message->service->shared->header_from_format == HEADER_FROM_OBSOLETE;
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_printf(&text, "%sFrom: ", prefix);
    if (message->envelope.sender.len == 0) {
        strbuf_append(&text, STR("MAILER-DAEMON"));
    } else if (name.len == 0 || is_obsolete) {
        quote_address(&text, message->envelope.sender);
        if (name.len > 0)
            append_comment(&text, name);
    } else {
        append_phrase(&text, name);
        strbuf_append(&text, STR(" <"));
        quote_address(&text, message->envelope.sender);
        strbuf_append_char(&text, '>');
    }
    write_field(message, strbuf_str(&text));
    strbuf_done(&text);
}

static void add_missing(struct message *message)
{
    bool is_resent = message->is_resent;
    const char *prefix = is_resent ? "Resent-" : "";
    static const enum header_type visible[] = { HEADER_TO, HEADER_CC, HEADER_RESENT_TO, HEADER_RESENT_CC };
    struct str undisclosed = message->service->settings->undisclosed_recipients_header;
    bool has_visible = false;

    if (!has_seen(message, is_resent ? HEADER_RESENT_MESSAGE_ID : HEADER_MESSAGE_ID))
        add_message_id(message, prefix);
    if (!has_seen(message, is_resent ? HEADER_RESENT_DATE : HEADER_DATE))
        add_date(message, prefix);
    if (!has_seen(message, is_resent ? HEADER_RESENT_FROM : HEADER_FROM))
        add_from(message, prefix);
    for (size_t i = 0; i < ARRAY_COUNT(visible); i++)
        has_visible = has_visible || has_seen(message, visible[i]);
    if (!has_visible && undisclosed.len > 0)
        write_field(message, undisclosed);
}

void headers_end(struct message *message, struct str separator)
{
    message->is_in_body = true;
    if (message->rewrites_headers || message->service->settings->always_add_missing_headers)
        add_missing(message);
    if (!has_seen(message, HEADER_MESSAGE_ID) && message->envelope.message_id.len == 0)
        log_message_id(message->queue_id, false, STR("<>"));
    message->header_bytes = message->content_bytes;
    message_write(message, separator);
    arena_reset(message->scratch);
}
