/* SPDX-License-Identifier: Apache-2.0 */
/* smtp_reply - what a server says to the SMTP client: any bytes give a reply of bounded size or none. */

#include "mail/smtp_reply.h"
#include "base/check.h"
#include "base/cursor.h"
#include "smtp/extensions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_extensions(const struct smtp_reply *reply, struct arena *arena)
{
    struct strlist none = { NULL, 0, 0 };
    struct smtp_extensions extensions;

    smtp_extensions_parse(&extensions, reply, &none, arena);
    CHECK(smtp_reply_on_one_line(reply, arena).len == reply->text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor cursor = cursor_over(str_make((const char *) data, size));
    struct arena *arena = arena_create();
    struct smtp_reply reply;
    struct str line;

    smtp_reply_init(&reply);
    while (cursor_take_line(&cursor, &line)) {
        enum smtp_reply_progress progress = smtp_reply_add_line(&reply, line);

        CHECK(reply.text.len <= SMTP_REPLY_MAX);
        if (progress == SMTP_REPLY_MORE)
            continue;
        if (progress == SMTP_REPLY_COMPLETE) {
            CHECK(reply.code >= 200 && reply.code <= 599);
            read_extensions(&reply, arena);
        }
        smtp_reply_clear(&reply);
    }
    smtp_reply_done(&reply);
    arena_destroy(&arena);
    return 0;
}
