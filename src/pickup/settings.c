/* SPDX-License-Identifier: Apache-2.0 */
#include "pickup/settings.h"

#include "config/setting_words.h"

static const struct setting rows[] = {
    SETTING_STRING(struct pickup_settings, content_filter, "content_filter", "", 0, 0,
                   "Where all mail that comes in goes first: transport:nexthop."),
    SETTING_WORDS(struct pickup_settings, receive_override_options, "receive_override_options", "",
                  setting_words_overrides,
                  "What is left to a later service: no_unknown_recipient_checks, no_address_mappings."),
};

const struct settings_table pickup_settings_table = SETTINGS_TABLE("pickup", struct pickup_settings, rows);
