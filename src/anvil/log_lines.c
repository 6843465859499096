/* SPDX-License-Identifier: Apache-2.0 */
#include "anvil/log_lines.h"

#include "log/log.h"

#include <inttypes.h>
#include <time.h>

enum { WHEN_SIZE = 32 };

static const char *format_when(struct instant when, char text[WHEN_SIZE])
{
    time_t seconds = (time_t) instant_seconds(when);
    struct tm parts;

    if (localtime_r(&seconds, &parts) == NULL || strftime(text, WHEN_SIZE, "%b %e %H:%M:%S", &parts) == 0)
        text[0] = '\0';
    return text;
}

static void log_rate(const char *name, struct peak peak, struct duration unit)
{
    char when[WHEN_SIZE];

    if (peak.value > 0)
        log_info("statistics: max %s rate %" PRIu64 "/%" PRId64 "s for (%.*s) at %s", name, peak.value,
                 unit.us / seconds(1).us, STR_ARG(peak.client), format_when(peak.when, when));
}

void log_anvil_statistics(const struct counters *counters, struct duration unit)
{
    struct peak count = counters_count_peak(counters), size = counters_size_peak(counters);
    char when[WHEN_SIZE];

    log_rate("connection", counters_rate_peak(counters, ANVIL_CONNECTION), unit);
    if (count.value > 0)
        log_info("statistics: max connection count %" PRIu64 " for (%.*s) at %s", count.value, STR_ARG(count.client),
                 format_when(count.when, when));
    log_rate("message", counters_rate_peak(counters, ANVIL_MESSAGE), unit);
    log_rate("recipient", counters_rate_peak(counters, ANVIL_RECIPIENT), unit);
    log_rate("newtls", counters_rate_peak(counters, ANVIL_TLS_SESSION), unit);
    log_rate("auth", counters_rate_peak(counters, ANVIL_AUTH), unit);
    if (size.value > 0)
        log_info("statistics: max cache size %" PRIu64 " at %s", size.value, format_when(size.when, when));
}
