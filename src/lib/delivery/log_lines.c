/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/log_lines.h"

#include "log/address.h"
#include "log/log.h"

enum { LINE_MAX_BYTES = 16 * 1024, RESOLUTION_MAX = 6 };

/* Rounds to the nearest multiple of unit. */
static int64_t round_to(int64_t us, int64_t unit)
{
    return (us + unit / 2) / unit * unit;
}

void delivery_delay_append(struct strbuf *out, struct duration delay, int resolution)
{
    int64_t us = delay.us < 0 ? 0 : delay.us;
    int64_t unit = 1000000;
    int digits = 0;

    /* Two significant digits: the unit is a tenth of the leading digit's place, no finer than the resolution. */
    while (digits < resolution && digits < RESOLUTION_MAX && us < unit * 10) {
        unit /= 10;
        digits++;
    }
    us = round_to(us, unit);
    strbuf_append_number(out, (uint64_t) us / 1000000);
    us %= 1000000;
    if (us == 0)
        return;
    strbuf_append_char(out, '.');
    for (int64_t place = 100000; us > 0; place /= 10) {
        strbuf_append_char(out, (char) ('0' + us / place));
        us %= place;
    }
}

/* a/b/c/d: before the queue manager, in it, connection set-up, transmission. */
static void append_delays(struct strbuf *out, const struct delivery_line *line, int resolution)
{
    bool has_connection = line->connected.us != 0;
    struct instant ready = has_connection ? line->connected : line->dispatched;
    const struct duration parts[] = {
        instant_since(line->activated, line->arrival),
        instant_since(line->dispatched, line->activated),
        instant_since(ready, line->dispatched),
        instant_since(line->done, ready),
    };

    strbuf_append(out, STR(", delay="));
    delivery_delay_append(out, instant_since(line->done, line->arrival), resolution);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        strbuf_append(out, i == 0 ? STR(", delays=") : STR("/"));
        delivery_delay_append(out, parts[i], resolution);
    }
}

void delivery_line_format(const struct delivery_line *line, int resolution, struct strbuf *out)
{
    char dsn[DSN_STATUS_SIZE];

    strbuf_append(out, line->queue_id);
    strbuf_append(out, STR(": to=<"));
    log_append_address(out, line->recipient);
    if (line->original.len > 0 && !str_equal(line->original, line->recipient)) {
        strbuf_append(out, STR(">, orig_to=<"));
        log_append_address(out, line->original);
    }
    strbuf_append(out, STR(">, relay="));
    strbuf_append(out, line->relay.len == 0 ? STR("none") : line->relay);
    if (line->connection_use > 1) {
        strbuf_append(out, STR(", conn_use="));
        strbuf_append_number(out, line->connection_use);
    }
    append_delays(out, line, resolution);
    strbuf_append(out, STR(", dsn="));
    strbuf_append(out, dsn_status_format(line->dsn, dsn));
    strbuf_append(out, STR(", status="));
    strbuf_append(out, line->status);
    strbuf_append(out, STR(" ("));
    strbuf_append(out, line->text);
    strbuf_append(out, STR(")"));
}

void delivery_log_recipient(const struct delivery_line *line, int resolution)
{
    struct strbuf out;

    strbuf_init(&out, LINE_MAX_BYTES);
    delivery_line_format(line, resolution, &out);
    log_text(LOG_LEVEL_INFO, strbuf_str(&out));
    strbuf_done(&out);
}
