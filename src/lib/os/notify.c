/* SPDX-License-Identifier: Apache-2.0 */
#include "os/notify.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void notify_ready(void)
{
    (void) sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    struct timespec now;
    char text[80];

    /* With Type=notify-reload systemd wants to know when the reload began. */
    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000);
    (void) sd_notify(0, text);
}

void notify_stopping(void)
{
    (void) sd_notify(0, "STOPPING=1");
}
