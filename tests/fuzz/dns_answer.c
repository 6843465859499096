/* SPDX-License-Identifier: Apache-2.0 */
/* dns_answer - a name server's reply: the first byte chooses the type asked for, the rest is the packet. */

#include "base/check.h"
#include "dns/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = { DNS_TYPE_A,   DNS_TYPE_AAAA, DNS_TYPE_MX,  DNS_TYPE_CNAME,
                                           DNS_TYPE_PTR, DNS_TYPE_TXT,  DNS_TYPE_SRV, DNS_TYPE_TLSA };
    struct arena *arena = arena_create();
    struct dns_answer answer;

    if (size > 0) {
        dns_answer_parse(&answer, arena, data + 1, size - 1, STR("example.test"), types[data[0] % ARRAY_COUNT(types)]);
        CHECK((answer.outcome == DNS_FOUND) == (answer.count > 0));
    }
    arena_destroy(&arena);
    return 0;
}
