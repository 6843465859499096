/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/settings.h"

#include "config/setting_words.h"

#define OWNER struct bounce_settings

static const struct setting rows[] = {
    SETTING_STRING(OWNER, bounce_notice_recipient, "bounce_notice_recipient", "postmaster", 1, 0,
                   "Who gets a copy of bounces when notify_classes has bounce."),
    SETTING_STRING(OWNER, double_bounce_notice_recipient, "2bounce_notice_recipient", "postmaster", 1, 0,
                   "Who gets bounces that cannot be returned when notify_classes has 2bounce."),
    SETTING_STRING(OWNER, delay_notice_recipient, "delay_notice_recipient", "postmaster", 1, 0,
                   "Who gets a copy of delay warnings when notify_classes has delay."),
    SETTING_WORDS(OWNER, notify_classes, "notify_classes", "resource, software", setting_words_notices,
                  "Troubles that the postmaster is told of: bounce, 2bounce, data, delay, policy, protocol, resource, "
                  "software."),
    SETTING_INTEGER(OWNER, bounce_size_limit, "bounce_size_limit", "50000", 1, 0,
                    "Bytes of the original message beyond which only its header is returned."),
    SETTING_STRING(OWNER, bounce_template_file, "bounce_template_file", "", 0, 0,
                   "A file with other headers and texts of notifications, as in bounce(5); empty: the built-in ones."),
    SETTING_BOOLEAN(OWNER, disable_verp_bounces, "disable_verp_bounces", "no",
                    "Of mail with VERP, too, there is one notification about all recipients that failed."),
    SETTING_BOOLEAN(OWNER, enable_threaded_bounces, "enable_threaded_bounces", "no",
                    "Notifications refer to the original's Message-ID, so that readers show both in one thread."),
    SETTING_TIME(OWNER, maximal_queue_lifetime, "maximal_queue_lifetime", "5d", 0, 8640000, 'd',
                 "Time after which undeliverable mail is returned."),
};

const struct settings_table bounce_settings_table = SETTINGS_TABLE("bounce", struct bounce_settings, rows);
