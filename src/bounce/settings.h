/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_SETTINGS_H
#define BOUNCE_SETTINGS_H

#include "config/settings.h"

/* settings - what main.cf says about notifications. */
struct bounce_settings {
    struct str bounce_notice_recipient;
    struct str double_bounce_notice_recipient; /* 2bounce_notice_recipient */
    struct str delay_notice_recipient;
    struct strlist notify_classes;
    int bounce_size_limit;
    struct str bounce_template_file;
    bool enable_threaded_bounces;
    bool disable_verp_bounces;
    struct duration maximal_queue_lifetime;
};

extern const struct settings_table bounce_settings_table;

#endif
