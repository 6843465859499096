/* SPDX-License-Identifier: Apache-2.0 */
/* What XCLIENT and XFORWARD may be given: whatever is taken is fit for log lines and for tables of addresses. */

#include "smtpd/client_attributes.h"
#include "base/check.h"
#include "mail/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct client_attributes *attributes)
{
    static const enum client_attribute addresses[] = { CLIENT_ADDR, CLIENT_DESTADDR };
    static const enum client_attribute names[] = { CLIENT_NAME, CLIENT_REVERSE_NAME };
    struct str value;

    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        value = attributes->values[addresses[i]];
        CHECK(value.len == 0 || domain_is_address(value));
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        value = attributes->values[names[i]];
        CHECK(value.len == 0 || domain_is_valid_hostname(value, false));
    }
    for (int i = 0; i < CLIENT_ATTRIBUTE_COUNT; i++) {
        value = attributes->values[i];
        CHECK(value.len <= CLIENT_ATTRIBUTE_MAXIMUM);
        CHECK(value.len == 0 || client_attributes_has(attributes, (enum client_attribute) i));
        CHECK(i == CLIENT_LOGIN || str_find_any(value, "\r\n") == STR_NOT_FOUND);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum client_command commands[] = { CLIENT_XCLIENT, CLIENT_XFORWARD };
    struct str argument = str_make((const char *) data, size), reply;
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        struct client_attributes attributes = { 0 };

        if (client_attributes_take(&attributes, commands[i], argument, arena, &reply))
            look_at(&attributes);
        else
            CHECK(str_starts_with(reply, STR("501 5.5.4 ")));
    }
    arena_destroy(&arena);
    return 0;
}
