/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_backlog QUEUE COUNT [FIRST-ATTEMPT-SECONDS] - fills deferred/ of a queue with COUNT messages, real queue files,
 * each with one recipient that failed once. Next attempts are spread over an hour, the first so many seconds from
 * now (0). The files belong to who runs it.
 */
#include "spool/envelope.h"
#include "spool/queue_file_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char text[] =
    "Received: from client.example.com (client.example.com [192.0.2.1])\n\tby bench.example.com (Merpati)\n"
    "Subject: one of many\nFrom: sender@example.com\nTo: recipient@example.org\n\n";

static bool make(const struct spool_settings *settings, struct queue_id id, size_t number, struct instant arrival,
                 struct instant next_attempt, struct failure *why)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .id = id, .arrival = arrival, .sender = STR("sender@example.com") };
    struct queue_file_writer *writer;
    struct envelope_recipient *recipient;
    char path[SPOOL_PATH_SIZE];
    char line[65];
    bool is_good;
    int i;

    recipient =
        envelope_add_recipient(&envelope, arena, arena_printf(arena, "user%zu@d%zu.example.org", number, number % 1000),
                               STR_EMPTY, STR_EMPTY, 0);
    recipient->dsn = (struct dsn_status){ 4, 4, 1 };
    recipient->reason = STR("connect to 192.0.2.7[192.0.2.7]:25: Connection refused");
    envelope.client_name = STR("client.example.com");
    envelope.client_address = STR("192.0.2.1");
    envelope.content_size = sizeof text - 1 + 12 * 64;
    snprintf(line, sizeof line, "%-63s\n", "A line of text, as many others.");
    spool_path(settings, SPOOL_DEFERRED, id, path);
    is_good = queue_file_create(path, id, &writer, why) ||
              (spool_make_folder(settings, SPOOL_DEFERRED, id, why) && queue_file_create(path, id, &writer, why));
    if (is_good) {
        is_good = queue_file_write(writer, str_make(text, sizeof text - 1), why);
        for (i = 0; is_good && i < 12; i++)
            is_good = queue_file_write(writer, str_make(line, 64), why);
        is_good = is_good && queue_file_finish(writer, &envelope, next_attempt, why);
        queue_file_close(&writer);
    }
    arena_destroy(&arena);
    return is_good;
}

int main(int argc, char **argv)
{
    const struct spool_settings settings = spool_settings_make(STR("deferred, defer"), 1);
    const int64_t now = time(NULL);
    struct failure why;
    size_t count;
    size_t i;
    long first;

    if (argc < 3 || chdir(argv[1]) != 0) {
        fprintf(stderr, "usage: make_backlog QUEUE COUNT [FIRST-ATTEMPT-SECONDS]\n");
        return 64;
    }
    count = strtoul(argv[2], NULL, 10);
    first = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (!spool_make_folders(&why)) {
        fprintf(stderr, "make_backlog: %s\n", why.text);
        return 1;
    }
    for (i = 0; i < count; i++) {
        struct instant arrival = instant_from_seconds(now - 3600);
        struct instant next = instant_from_seconds(now + first + (int64_t) (i * 2654435761U % 3600));
        struct queue_id id = queue_id_make(queue_id_tick_at(instant_from_seconds(1767225600)) + i, 0, false);

        if (!make(&settings, id, i, arrival, next, &why)) {
            fprintf(stderr, "make_backlog: %s\n", why.text);
            return 1;
        }
    }
    return 0;
}
