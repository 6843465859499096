/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/proxy_header.h"

#include <string.h>

enum { SHORTEST = 16 };

static const struct str line_start = { "PROXY ", 6 };
static const struct str signature = { "\r\n\r\n\0\r\nQUIT\n", 12 };

/* Whether text begins with start, or may with what is to come. */
static bool may_start(struct str text, struct str start)
{
    return text.len < start.len ? str_starts_with(start, text) : str_starts_with(text, start);
}

static enum proxy_header_result bad(const char **problem_out, const char *problem)
{
    *problem_out = problem;
    return PROXY_HEADER_BAD;
}

/* ---- version 1 ---- */

static bool take_family(struct str *rest, enum ip_family *family_out)
{
    struct str word;

    if (!str_next_word(rest, " ", &word))
        return false;
    if (str_equal(word, STR("TCP4")))
        *family_out = IP_V4;
    else if (str_equal(word, STR("TCP6")))
        *family_out = IP_V6;
    else
        return false;
    return true;
}

static bool take_address(struct str *rest, enum ip_family family, struct ip_address *ip_out)
{
    struct str word;

    return str_next_word(rest, " ", &word) && str_contains_char(word, ':') == (family == IP_V6) &&
           ip_address_parse(word, ip_out) && ip_out->scope == 0;
}

static bool take_port(struct str *rest, uint16_t *port_out)
{
    struct str word;
    uint64_t number;

    if (!str_next_word(rest, " ", &word) || (word.len > 1 && word.data[0] == '0') || !str_to_uint64(word, &number) ||
        number > UINT16_MAX)
        return false;
    *port_out = (uint16_t) number;
    return true;
}

static enum proxy_header_result parse_fields(struct str rest, struct proxy_header *header, const char **problem_out)
{
    enum ip_family family = IP_NONE;

    if (!take_family(&rest, &family))
        return bad(problem_out, "bad or missing protocol type");
    if (!take_address(&rest, family, &header->client))
        return bad(problem_out, "bad or missing client address");
    if (!take_address(&rest, family, &header->server))
        return bad(problem_out, "bad or missing server address");
    if (!take_port(&rest, &header->client_port))
        return bad(problem_out, "bad or missing client port");
    if (!take_port(&rest, &header->server_port))
        return bad(problem_out, "bad or missing server port");
    return PROXY_HEADER_DONE;
}

static enum proxy_header_result parse_line(struct str input, bool is_all, struct proxy_header *header,
                                           const char **problem_out)
{
    size_t end = str_find_char(str_part(input, 0, PROXY_HEADER_LINE_MAXIMUM), '\n');
    struct str line;

    if (end == STR_NOT_FOUND && input.len < PROXY_HEADER_LINE_MAXIMUM && !is_all)
        return PROXY_HEADER_NEEDS_MORE;
    line = str_part(input, 0, end == STR_NOT_FOUND ? input.len : end);
    if (end == STR_NOT_FOUND || str_contains_char(line, '\0'))
        return bad(problem_out, "missing protocol header terminator");
    header->length = end + 1;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return parse_fields(str_from(line, line_start.len), header, problem_out);
}

/* ---- version 2 ---- */

static uint16_t number_at(const unsigned char *bytes)
{
    return (uint16_t) (bytes[0] << 8 | bytes[1]);
}

/* bytes: both addresses, then both ports. */
static bool take_block(const unsigned char *bytes, size_t size, struct proxy_header *header)
{
    header->client_port = number_at(bytes + 2 * size);
    header->server_port = number_at(bytes + 2 * size + 2);
    return ip_address_from_bytes(bytes, size, &header->client) &&
           ip_address_from_bytes(bytes + size, size, &header->server);
}

static enum proxy_header_result parse_addresses(struct str input, bool is_all, unsigned char family,
                                                struct proxy_header *header, const char **problem_out)
{
    size_t size = family == 0x11 ? 4 : 16;
    size_t needed = PROXY_HEADER_FIXED + 2 * size + 4;

    if (family != 0x11 && family != 0x21)
        return bad(problem_out, "unsupported network protocol");
    if (header->length < needed)
        return bad(problem_out, "short address field");
    if (input.len < needed)
        return is_all ? bad(problem_out, "short version 2 protocol header") : PROXY_HEADER_NEEDS_MORE;
    if (!take_block((const unsigned char *) input.data + PROXY_HEADER_FIXED, size, header))
        return bad(problem_out, "bad address");
    return PROXY_HEADER_DONE;
}

static enum proxy_header_result parse_binary(struct str input, bool is_all, struct proxy_header *header,
                                             const char **problem_out)
{
    const unsigned char *bytes = (const unsigned char *) input.data;

    if (input.len < PROXY_HEADER_FIXED)
        return is_all ? bad(problem_out, "short protocol header") : PROXY_HEADER_NEEDS_MORE;
    if (bytes[12] >> 4 != 2)
        return bad(problem_out, "unrecognized protocol version");
    header->length = PROXY_HEADER_FIXED + (size_t) number_at(bytes + 14);
    switch (bytes[12] & 0xf) {
    case 0:
        header->is_local = true;
        return PROXY_HEADER_DONE;
    case 1:
        return parse_addresses(input, is_all, bytes[13], header, problem_out);
    default:
        return bad(problem_out, "bad command in proxy header");
    }
}

enum proxy_header_result proxy_header_parse(struct str input, bool is_all, struct proxy_header *header_out,
                                            const char **problem_out)
{
    *header_out = (struct proxy_header){ 0 };
    if (may_start(input, signature) && (input.len >= signature.len || !is_all))
        return parse_binary(input, is_all, header_out, problem_out);
    if (may_start(input, line_start) && (input.len >= line_start.len || !is_all))
        return parse_line(input, is_all, header_out, problem_out);
    return bad(problem_out, input.len < SHORTEST ? "short protocol header" : "unrecognized protocol header");
}

bool proxy_header_is_begun(struct str line, struct str following)
{
    static const struct str versions[] = { { "PROXY TCP", 9 }, { "PROXY UNKNOWN", 13 } };

    for (size_t i = 0; i < ARRAY_COUNT(versions); i++) {
        if (str_starts_with(line, versions[i]))
            return true;
    }
    return line.len == 0 && str_starts_with(following, str_from(signature, 2));
}
