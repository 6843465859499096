/* SPDX-License-Identifier: Apache-2.0 */
#include "postqueue/print.h"

#include "base/json.h"

#include <time.h>

enum { REASON_WIDTH = 76, REASON_MAXIMUM = 64 * 1024 };

void print_init(struct print *print, FILE *out, bool uses_long_ids)
{
    *print = (struct print){ .out = out, .uses_long_ids = uses_long_ids };
    strbuf_init(&print->reason, REASON_MAXIMUM);
}

void print_done(struct print *print)
{
    strbuf_done(&print->reason);
}

/* What a terminal could take for a command is shown as "?"; UTF-8 passes. */
static void put_text(struct print *print, struct str text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        fputc(c < 32 || c == 127 ? '?' : c, print->out);
    }
}

static void put_heading(struct print *print)
{
    if (print->uses_long_ids)
        fputs("----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n", print->out);
    else
        fputs("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n", print->out);
}

static const char *mark_of(const struct showq_message *message)
{
    if (str_equal(message->queue_name, STR("active")))
        return message->is_forced_expire ? "*#" : "*";
    if (str_equal(message->queue_name, STR("hold")))
        return message->is_forced_expire ? "!#" : "!";
    return message->is_forced_expire ? "#" : "";
}

static void table_message(void *context, const struct showq_message *message)
{
    struct print *print = context;
    time_t arrival = (time_t) message->arrival_seconds;
    struct tm local;
    char id[64];
    char date[64];

    if (!print->has_begun)
        put_heading(print);
    else
        fputc('\n', print->out);
    print->has_begun = true;
    print->messages++;
    print->bytes += message->size;
    strbuf_clear(&print->reason);
    if (localtime_r(&arrival, &local) == NULL || strftime(date, sizeof date, "%a %b %d %H:%M:%S", &local) == 0)
        date[0] = '\0';
    snprintf(id, sizeof id, "%.*s%s", STR_ARG(message->queue_id), mark_of(message));
    if (print->uses_long_ids)
        fprintf(print->out, "%-17s %8llu %19.19s ", id, (unsigned long long) message->size, date);
    else
        fprintf(print->out, "%-11s %7llu %19.19s  ", id, (unsigned long long) message->size, date);
    put_text(print, message->sender);
    fputc('\n', print->out);
}

/* Recipients with one reason stand together under it. */
static void table_recipient(void *context, const struct showq_recipient *recipient)
{
    struct print *print = context;
    struct str reason = str_part(recipient->reason, 0, REASON_MAXIMUM);

    if (reason.len > 0 && !str_equal(reason, strbuf_str(&print->reason))) {
        if (reason.len < REASON_WIDTH)
            fprintf(print->out, "%*s", (int) (REASON_WIDTH - reason.len), "");
        fputc('(', print->out);
        put_text(print, reason);
        fputs(")\n", print->out);
        strbuf_clear(&print->reason);
        strbuf_append(&print->reason, reason);
    }
    fprintf(print->out, "%*s", print->uses_long_ids ? 47 : 41, "");
    put_text(print, recipient->address);
    fputc('\n', print->out);
}

static void table_message_end(void *context)
{
    (void) context;
}

struct showq_sink print_table(struct print *print)
{
    return (struct showq_sink){ table_message, table_recipient, table_message_end, print };
}

void print_table_end(struct print *print)
{
    if (print->messages == 0)
        fputs("Mail queue is empty\n", print->out);
    else
        fprintf(print->out, "\n-- %llu Kbytes in %llu Request%s.\n", (unsigned long long) (print->bytes / 1024),
                (unsigned long long) print->messages, print->messages == 1 ? "" : "s");
}

static void put_json(struct print *print, struct str text)
{
    struct strbuf quoted;

    strbuf_init(&quoted, STRBUF_UNLIMITED);
    json_append_string(&quoted, text);
    fwrite(quoted.data, 1, quoted.len, print->out);
    strbuf_done(&quoted);
}

static void json_message(void *context, const struct showq_message *message)
{
    struct print *print = context;

    print->messages++;
    print->has_recipient = false;
    fputs("{\"queue_name\": ", print->out);
    put_json(print, message->queue_name);
    fputs(", \"queue_id\": ", print->out);
    put_json(print, message->queue_id);
    fprintf(print->out, ", \"arrival_time\": %lld, \"message_size\": %llu, \"forced_expire\": %s, \"sender\": ",
            (long long) message->arrival_seconds, (unsigned long long) message->size,
            message->is_forced_expire ? "true" : "false");
    put_json(print, message->sender);
    fputs(", \"recipients\": [", print->out);
}

static void json_recipient(void *context, const struct showq_recipient *recipient)
{
    struct print *print = context;

    fputs(print->has_recipient ? ", {\"address\": " : "{\"address\": ", print->out);
    print->has_recipient = true;
    put_json(print, recipient->address);
    if (recipient->reason.len > 0) {
        fputs(", \"delay_reason\": ", print->out);
        put_json(print, recipient->reason);
    }
    fputc('}', print->out);
}

static void json_message_end(void *context)
{
    struct print *print = context;

    fputs("]}\n", print->out);
}

struct showq_sink print_json(struct print *print)
{
    return (struct showq_sink){ json_message, json_recipient, json_message_end, print };
}
