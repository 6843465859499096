/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSPROXY_LOG_LINES_H
#define TLSPROXY_LOG_LINES_H

#include "base/str.h"

/* log_lines - the lines that tlsproxy writes, each by one function; peer is "[192.0.2.1]:2525". */

/* What the TLS library has to say: "Anonymous TLS connection established from [192.0.2.1]:2525: TLSv1.3 ..." */
void log_tls(const char *text);
void log_tls_warning(const char *text);
/* "warning: tls_server_sni_maps: ... base64" */
void log_bad_server_name_value(struct str title, struct str name);
/* "warning: TITLE: REASON" */
void log_table_trouble(struct str title, const char *reason);
/* "CONNECT from [192.0.2.1]:2525" */
void log_connect(struct str peer);
/* "DISCONNECT [192.0.2.1]:2525" */
void log_disconnect(struct str peer);

#endif
