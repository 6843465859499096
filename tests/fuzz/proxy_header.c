/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY headers: a header that is taken is taken from the same bytes however they come, and its addresses are some. */

#include "mail/proxy_header.h"
#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct proxy_header *header, size_t size)
{
    CHECK(header->length > 0);
    CHECK(header->is_local || (header->client.family != IP_NONE && header->server.family != IP_NONE));
    CHECK(header->length <= size || header->length <= PROXY_HEADER_FIXED + UINT16_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *) data, size);
    enum proxy_header_result result = PROXY_HEADER_NEEDS_MORE, at_once;
    struct proxy_header header, other;
    const char *problem = NULL;

    at_once = proxy_header_parse(input, true, &header, &problem);
    CHECK(at_once != PROXY_HEADER_NEEDS_MORE);
    CHECK(at_once == PROXY_HEADER_DONE || problem != NULL);
    if (at_once == PROXY_HEADER_DONE)
        look_at(&header, size);
    for (size_t length = 1; length <= size && length < 600 && result == PROXY_HEADER_NEEDS_MORE; length++)
        result = proxy_header_parse(str_part(input, 0, length), false, &other, &problem);
    CHECK(at_once != PROXY_HEADER_DONE || (result == PROXY_HEADER_DONE && header.length == other.length));
    (void) proxy_header_is_begun(str_part(input, 0, size / 2), str_from(input, size / 2));
    return 0;
}
