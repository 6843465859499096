/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of Redis says, in pieces as long as the first byte says: whole answers become values, or an error. */
#include "drivers/redis_reply.h"

#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_value(void *context, const char *value, size_t len)
{
    size_t *count = context;

    CHECK(len == 0 || memchr(value, value[0], len) == value);
    ++*count;
}

static bool wants_more(void *context)
{
    return *(size_t *) context < 1000;
}

static void restart(void *context)
{
    *(size_t *) context = 0;
}

static void take(redisReply *reply)
{
    size_t count = 0;
    struct merpati_driver_values values = { count_value, wants_more, restart, &count };
    char why[100] = "";

    if (!redis_reply_give(reply, &values, (struct merpati_table_text){ why, sizeof(why) }))
        CHECK(why[0] != '\0');
    freeReplyObject(reply);
}

/* False: nothing more will be understood. */
static bool take_all(redisReader *reader)
{
    void *reply;

    do {
        reply = NULL;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK)
            return false;
        if (reply != NULL)
            take(reply);
    } while (reply != NULL);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    redisReader *reader = redis_reply_reader_create();
    size_t piece = size == 0 ? 1 : (size_t) data[0] + 1;

    CHECK(reader != NULL);
    for (size_t at = 1; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;

        if (redisReaderFeed(reader, (const char *) data + at, len) != REDIS_OK || !take_all(reader))
            break;
    }
    redis_reply_reader_destroy(reader);
    return 0;
}
