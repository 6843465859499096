/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/domain.h"

#include "base/ip_address.h"

#include <idn2.h>

enum { LABEL_MAXIMUM = 63, NAME_MAXIMUM = 255 };

static bool is_valid_label(struct str label, bool may_be_utf8)
{
    if (label.len == 0 || label.len > LABEL_MAXIMUM)
        return false;
    if (label.data[0] == '-' || label.data[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.data[i];
        bool is_utf8 = may_be_utf8 && (unsigned char) c >= 0x80;

        if (!char_is_alnum(c) && c != '-' && c != '_' && !is_utf8)
            return false;
    }
    return true;
}

bool domain_is_valid_hostname(struct str name, bool may_be_utf8)
{
    struct str rest = name, label;
    bool has_letter = false;
    bool has_more;

    if (name.len == 0 || name.len > NAME_MAXIMUM || (may_be_utf8 && !domain_is_utf8(name)))
        return false;
    do {
        has_more = str_cut(rest, '.', &label, &rest);
        if (!is_valid_label(label, may_be_utf8))
            return false;
        for (size_t i = 0; i < label.len; i++)
            has_letter = has_letter || !char_is_digit(label.data[i]);
    } while (has_more);
    return has_letter;
}

static bool is_family(struct str text, enum ip_family family)
{
    struct ip_address address;
    bool has_colon = str_contains_char(text, ':');

    return !str_contains_char(text, '%') && has_colon == (family == IP_V6) && ip_address_parse(text, &address);
}

bool domain_is_ipv4(struct str text)
{
    return is_family(text, IP_V4);
}

bool domain_is_ipv6(struct str text)
{
    return is_family(text, IP_V6);
}

bool domain_is_address(struct str text)
{
    return domain_is_ipv4(text) || domain_is_ipv6(text);
}

bool domain_is_literal(struct str text, struct str *address_out)
{
    struct str inside;
    bool is_good;

    if (text.len < 2 || text.data[0] != '[' || text.data[text.len - 1] != ']')
        return false;
    inside = str_part(text, 1, text.len - 2);
    if (str_starts_with_nocase(inside, STR("IPv6:"))) {
        inside = str_from(inside, 5);
        is_good = domain_is_ipv6(inside);
    } else {
        is_good = domain_is_ipv4(inside);
    }
    if (is_good && address_out != NULL)
        *address_out = inside;
    return is_good;
}

/* Length of the well-formed sequence that starts text (RFC 3629 section 4), 0 if there is none. */
static size_t utf8_sequence(struct str text)
{
    unsigned char first = (unsigned char) text.data[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c < low || c > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

bool domain_is_utf8(struct str text)
{
    size_t len;

    if (domain_is_ascii(text))
        return true;
    for (; text.len > 0; text = str_from(text, len)) {
        len = utf8_sequence(text);
        if (len == 0)
            return false;
    }
    return true;
}

bool domain_is_ascii(struct str text)
{
    size_t i = 0;

    /* Whole messages come through here: 32 bytes at a time. */
    for (; i + 4 * sizeof(uint64_t) <= text.len; i += 4 * sizeof(uint64_t)) {
        uint64_t bytes[4];

        memcpy(bytes, text.data + i, sizeof bytes);
        if ((bytes[0] | bytes[1] | bytes[2] | bytes[3]) & UINT64_C(0x8080808080808080))
            return false;
    }
    for (; i < text.len; i++)
        if ((unsigned char) text.data[i] >= 0x80)
            return false;
    return true;
}

static bool idna_result(struct arena *arena, int code, char *result, struct str name, struct str *out,
                        struct failure *why)
{
    if (code != IDN2_OK)
        return failure_set(why, FAILURE_PERMANENT, 0, "bad domain name %.*s: %s", STR_ARG(name), idn2_strerror(code));
    *out = arena_str(arena, str_from_c(result));
    idn2_free(result);
    return true;
}

bool domain_to_ascii(struct arena *arena, struct str name, bool is_transitional, struct str *ascii_out,
                     struct failure *why)
{
    int flags = is_transitional ? IDN2_TRANSITIONAL : IDN2_NONTRANSITIONAL;
    char *result = NULL;
    int code;

    if (domain_is_ascii(name)) {
        *ascii_out = arena_lower(arena, name);
        return true;
    }
    if (!domain_is_utf8(name) || memchr(name.data, '\0', name.len) != NULL)
        return failure_set(why, FAILURE_PERMANENT, 0, "domain name is not UTF-8");
    code = idn2_to_ascii_8z(arena_c(arena, name), &result, flags | IDN2_NFC_INPUT);
    return idna_result(arena, code, result, name, ascii_out, why);
}

bool domain_to_utf8(struct arena *arena, struct str name, struct str *utf8_out, struct failure *why)
{
    char *result = NULL;
    int code;

    if (str_find_nocase(name, STR("xn--")) == STR_NOT_FOUND) {
        *utf8_out = arena_str(arena, name);
        return true;
    }
    if (!domain_is_ascii(name) || memchr(name.data, '\0', name.len) != NULL)
        return failure_set(why, FAILURE_PERMANENT, 0, "domain name has both A-labels and UTF-8");
    code = idn2_to_unicode_8z8z(arena_c(arena, name), &result, 0);
    return idna_result(arena, code, result, name, utf8_out, why);
}

bool domain_is_site(struct str text)
{
    return domain_is_valid_hostname(text, false) || domain_is_literal(text, NULL);
}
