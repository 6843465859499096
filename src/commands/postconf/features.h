/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_FEATURES_H
#define POSTCONF_FEATURES_H

#include <stdio.h>

/* features - what this build can do, one name a line. */
void features_print_server_logins(FILE *out); /* -a */
void features_print_client_logins(FILE *out); /* -A */
void features_print_locks(FILE *out);         /* -l */
/* -T; an unknown mode is told. */
int features_print_tls(FILE *out, const char *mode);

#endif
