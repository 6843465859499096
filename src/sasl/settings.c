/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct sasl_service_settings, config_path, "cyrus_sasl_config_path", "", 0, 0,
                   "Where Cyrus SASL's configuration files are, smtpd.conf for one: directories with ':' between; "
                   "empty: sasl in the configuration directory, /etc/postfix/sasl, /etc/sasl2, /usr/lib/sasl2."),
    SETTING_STRING(struct sasl_service_settings, application, "smtpd_sasl_path", "smtpd", 1, 0,
                   "Dovecot's auth socket, as a path in the queue directory or inet:host:port; or the name of Cyrus "
                   "SASL's configuration file, without .conf."),
};

const struct settings_table sasl_settings_table = SETTINGS_TABLE("sasl", struct sasl_service_settings, rows);
