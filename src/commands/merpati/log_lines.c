/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/log_lines.h"

#include "base/strbuf.h"
#include "log/log.h"

void log_starting(void)
{
    log_info("starting the Merpati mail system");
}

void log_stopping(void)
{
    log_info("stopping the Merpati mail system");
}

void log_aborting(void)
{
    log_info("aborting the Merpati mail system");
}

void log_refreshing(void)
{
    log_info("refreshing the Merpati mail system");
}

void log_told(struct str text)
{
    log_info("%.*s", STR_ARG(text));
}

void log_upkeep(const char *path, struct str name, struct str type)
{
    log_info("Editing %s, adding missing entry for %.*s/%.*s service", path, STR_ARG(name), STR_ARG(type));
}

void log_import_progress(size_t done, size_t total)
{
    log_info("%zu of %zu messages", done, total);
}

void log_status(pid_t master)
{
    if (master == 0)
        log_info("the Merpati mail system is not running");
    else
        log_info("the Merpati mail system is running: PID: %d", (int) master);
}

void log_tls_advice(const char *format, ...)
{
    struct strbuf text;
    va_list args;

    strbuf_init(&text, LOG_LINE_MAX);
    va_start(args, format);
    strbuf_vprintf(&text, format, args);
    va_end(args);
    log_info("%.*s", STR_ARG(strbuf_str(&text)));
    strbuf_done(&text);
}
