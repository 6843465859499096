/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SASL_SERVICE_H
#define CONFIG_SASL_SERVICE_H

#include "config/main_cf.h"

/*
 * sasl_service - which service answers for an application of Cyrus SASL's, that is for a value of smtpd_sasl_path.
 *
 * The library reads one application's configuration file in a process. What main.cf names is the service sasl's; each
 * other that a service's -o names has a service of its own, sasl-NAME, which master adds.
 */

/* What main.cf itself names, whatever -o says; "smtpd" if that is a path, which is Dovecot's. */
struct str sasl_service_usual(const struct main_cf *cf, struct arena *arena);
/* Whether it is a name of a configuration file, without .conf: no path. */
bool sasl_service_is_application(struct str name);
/* "sasl", or "sasl-NAME". */
struct str sasl_service_name(struct str usual, struct str application, struct arena *arena);
/* Where NAME.conf is looked for, with ':' between: cyrus_sasl_config_path, or if that is empty the usual places. */
struct str sasl_service_directories(struct str config_path, struct str config_directory, struct arena *arena);

#endif
