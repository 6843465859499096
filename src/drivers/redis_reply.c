/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/redis_reply.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 4 };

struct bounds {
    redisReplyObjectFunctions functions;
    void *(*create_array)(const redisReadTask *task, int count);
};

static void *create_array(const redisReadTask *task, int count)
{
    const struct bounds *bounds = task->privdata;

    return count > REDIS_REPLY_ELEMENTS_MAX ? NULL : bounds->create_array(task, count);
}

redisReader *redis_reply_reader_create(void)
{
    redisReader *reader = redisReaderCreate();
    struct bounds *bounds;

    if (reader == NULL)
        return NULL;
    bounds = memory_alloc(sizeof(*bounds));
    bounds->functions = *reader->fn;
    bounds->create_array = reader->fn->createArray;
    bounds->functions.createArray = create_array;
    reader->fn = &bounds->functions;
    reader->privdata = bounds;
    return reader;
}

void redis_reply_reader_destroy(redisReader *reader)
{
    struct bounds *bounds = reader == NULL ? NULL : reader->privdata;

    if (reader != NULL)
        redisReaderFree(reader);
    memory_free(bounds);
}

bool redis_reply_is_out_of_step(const redisReader *reader)
{
    return reader->pos != reader->len;
}

static bool give(const redisReply *reply, unsigned depth, const struct merpati_driver_values *values,
                 struct merpati_table_text why)
{
    char number[24];

    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        values->add(values->context, reply->str, (size_t) reply->len);
        return true;
    case REDIS_REPLY_INTEGER:
        snprintf(number, sizeof(number), "%lld", reply->integer);
        if (reply->integer != 0)
            values->add(values->context, number, strlen(number));
        return true;
    case REDIS_REPLY_NIL:
        return true;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements; i++) {
            if (depth == DEPTH_MAX || !give(reply->element[i], depth + 1, values, why))
                return false;
        }
        return true;
    default:
        snprintf(why.data, why.size, "%s",
                 reply->str == NULL || reply->str[0] == '\0' ? "an error without a text" : reply->str);
        return false;
    }
}

bool redis_reply_give(const redisReply *reply, const struct merpati_driver_values *values,
                      struct merpati_table_text why)
{
    snprintf(why.data, why.size, "answers within answers");
    return give(reply, 0, values, why);
}
