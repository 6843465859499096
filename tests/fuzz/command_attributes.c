/* SPDX-License-Identifier: Apache-2.0 */
/* What master.cf says of a command, and what addresses make of its words: some list of words, or a reason. */

#include "delivery/command_attributes.h"
#include "base/check.h"
#include "delivery/command_arguments.h"
#include "protocol/deliver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand(const struct command_attributes *attributes, struct str address, struct arena *arena)
{
    struct deliver_request request = { .queue_id = STR("X"), .nexthop = STR("Hop"), .sender = address };
    const struct deliver_recipient recipients[] = { { .address = address }, { .address = STR("a+b@c") } };
    const struct command_argument_source source = { .request = &request,
                                                    .recipients = recipients,
                                                    .recipient_count = ARRAY_COUNT(recipients),
                                                    .flags = attributes->flags,
                                                    .null_sender = attributes->null_sender,
                                                    .delimiters = STR("+-") };
    bool is_good = command_arguments_check(&attributes->argv, NULL);
    const char *const *argv;
    size_t count = 0;

    CHECK(command_arguments_expand(&attributes->argv, &source, arena, &argv, NULL) == is_good);
    if (!is_good)
        return;
    while (argv[count] != NULL)
        count++;
    CHECK(count >= attributes->argv.count && count <= 2 * attributes->argv.count);
}

/* The first line is an address, the words are those of the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct command_attributes attributes;
    struct str address, text;
    struct strlist words;

    (void) str_cut(str_make((const char *) data, size), '\n', &address, &text);
    words = strlist_split(arena, text, " \n");
    if (command_attributes_parse(&words, true, arena, &attributes, NULL))
        CHECK(attributes.flags == 0 && attributes.argv.count > 0);
    if (command_attributes_parse(&words, false, arena, &attributes, NULL)) {
        CHECK(attributes.argv.count > 0 && !str_is_empty(attributes.user));
        expand(&attributes, address, arena);
    }
    arena_destroy(&arena);
    return 0;
}
