/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_LOG_LINES_H
#define SMTPD_LOG_LINES_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* log_lines - every line that smtpd writes about a session, in Postfix's shape, one function each. */
void log_connect(const struct session *session);
/* With the counts of commands, and notes=. */
void log_disconnect(const struct session *session);
void log_lost_connection(const struct session *session);
void log_timeout(const struct session *session);
void log_too_many_errors(const struct session *session);
/* What lib/tls has to say. */
void log_tls(const char *text);
void log_tls_warning(const char *text);
/* "NOQUEUE: abort: TLS from name[address]: No client certificate presented" */
void log_tls_abort(const struct session *session, const char *reason);
/* "Refusing STARTTLS request from ... for service smtp": what is STARTTLS, or TLS service. */
void log_tls_refused(const struct session *session, const char *what);
/* "tls_server_sni_maps: the value of a.example is no base64: make the table by postmap -F" */
void log_bad_server_name_value(struct str title, struct str name);
void log_wrapper_dropped(const struct session *session);
/* "QUEUEID: client=name[address]" */
void log_client(const struct session *session);
/* kind: "reject", "reject_warning"; text: the reply. recipient is empty where none is concerned. */
/* A milter's verdict; the lines of a reply are told one behind the other. */
void log_milter(const struct session *session, const char *kind, struct str text, struct str recipient);
void log_reject(const struct session *session, const char *kind, struct str text, struct str recipient);
/* An access table permits and smtpd_log_access_permit_actions names the action. */
/* Something that must be known cannot be looked up: nobody is judged. */
void log_data_error(const struct session *session, struct str text);
void log_permit(const struct session *session, struct str text, struct str recipient);
/* "QUEUEID or NOQUEUE: warn: RCPT from ...": WARN and INFO of access tables, kind "warn" or "info". */
void log_notice(const struct session *session, const char *kind, struct str text, struct str recipient);
/* "generic_checks: name=permit_mynetworks status=1", for hosts of which much is told. */
void log_restriction_verdict(struct str name, int verdict);
void log_non_smtp_command(const struct session *session, struct str line);
void log_improper_pipelining(const struct session *session, struct str input);
/* Not where a bracket is missing: then it is the command that is malformed. */
void log_bad_address(const struct session *session, const char *command, struct str argument);
void log_request_too_long(const struct session *session, size_t limit, struct str line);
void log_malformed_bdat(const struct session *session, struct str argument);
void log_null_bdat(const struct session *session);
void log_chunk_too_large(const struct session *session);
void log_message_too_large(const struct session *session);
void log_cleanup_trouble(const struct session *session, const char *reason);
void log_not_enough_space(uint64_t free_bytes, int64_t needed_bytes, bool is_below_minimum);
/* "command", "XCLIENT", "allowed from"; "EHLO feature", "XVERP", "announced to" */
void log_unknown_permission(const struct session *session, const char *kind, const char *name, const char *what);
/* what: "Connection rate" */
void log_limit_exceeded(const struct session *session, const char *what, uint64_t number);
/* By smtpd_command_filter. */
void log_command_replaced(const struct session *session, struct str line, struct str replacement);
/* By smtpd_reject_filter_maps, with what is no refusal. */
void log_bad_replacement(struct str title, struct str replacement);
void log_anvil_trouble(const char *reason);
/* problem: "bad or missing client port"; input: what was sent, empty if nothing was */
void log_proxy_trouble(const char *problem, struct str input);
/* "warning: a session that was handed over cannot be taken: REASON" */
void log_bad_takeover(const char *reason);
void log_forged_proxy_header(const struct session *session, struct str line);
void log_discarding_keywords(struct str keywords);
/* "mapping DSN status 5.1.1 into Sender address status 5.1.7" */
void log_status_mapped(const char *status, const char *topic, struct str fitting);
void log_unknown_restriction(struct str name);
void log_bad_rewriting_client(struct str word);
/* "restriction check_client_access: bad argument "permit": need maptype:mapname" */
void log_bad_table_argument(struct str name, struct str argument);
/* "restriction sleep must be followed by number" */
void log_argument_missing(struct str name, const char *what);
/* "restriction reject_rbl_client requires domain name argument" */
void log_domain_missing(struct str name);
/* "restriction `reject' after `permit' is ignored" */
void log_restriction_after(struct str name, struct str before);
/* "support for restriction "check_relay_domains" has been removed ...; instead, specify ..." */
void log_removed_restriction(struct str name, const char *instead);
/* A table that may only refuse permits: three lines. */
void log_forbidden_permit(struct str restriction, struct str name);
/* "Unable to look up MX host for a.example: ...": the hosts of a domain, type MX or NS. */
void log_unfound_hosts(const char *type, struct str domain, const char *reason);
/* "Unable to look up MX host mx.a.example for Helo command a.example: ...": one of them. */
void log_unfound_host(const char *type, struct str host, const char *topic, struct str name, const char *reason);
/* "good.test: MX or address lookup error: DNS reply filter drops all results" */
void log_dropped_names(struct str name, const char *kinds);
/* "warning: name[address]: SASL PLAIN authentication failed: reason, sasl_username=user": fail2ban reads it. */
void log_login_failed(const struct session *session, struct str method, struct str reason, struct str username);
/* "warning: name[address]: SASL PLAIN authentication aborted" */
void log_login_aborted(const struct session *session, struct str method);
/* "warning: SASL: Connect to Dovecot auth socket 'private/auth' failed: No such file or directory" */
void log_login_trouble(const char *reason);
/* Nothing that the back end offers may be used. */
void log_no_mechanisms(void);
/* "restriction `check_sasl_access' ignored: no SASL support" */
void log_no_sasl(struct str restriction);
void log_no_client_certificates(struct str restriction);
/* A class or a table leads back to itself. */
void log_restriction_nesting(void);
void log_table_nesting(struct str table, struct str value);
void log_table_in_access_table(struct str table, struct str value);
/* An order about the message (HOLD, ...) in a list that is asked before there is one, or too late for it. */
void log_action_without_message(struct str table, struct str action);
void log_action_too_early(struct str table, struct str action);
void log_prepend_too_late(struct str table);
/* key: what was found in the table. */
void log_filter_without_value(struct str table, struct str key);
void log_action_requires(struct str table, struct str key, const char *what);
void log_table_trouble(struct str title, const char *reason);
/* Mail for the site may not be asked for by anybody. */
void log_etrn_denied(const struct session *session, struct str site);
void log_flush_trouble(const char *reason);
/* What main.cf names as a policy service is none: told at the start. */
void log_policy_misnamed(const char *reason);
/* A policy service could not be asked, or did not answer; what: "name" or "value", whichever was awaited. */
void log_policy_connect_failed(struct str server, const char *reason);
void log_policy_timeout(struct str server, const char *what);
void log_policy_premature_end(struct str server, const char *what);
void log_policy_without_action(struct str server);
void log_policy_problem(struct str server, const char *reason);
void log_policy_empty(struct str place);
/* A proxy filter, by its place: "inet:127.0.0.1:10025". */
void log_proxy_connect_failed(struct str place, const char *reason);
void log_proxy_timeout(struct str place);
void log_proxy_lost(struct str place);
void log_proxy_rejected(struct str place, struct str command, struct str reply);
void log_proxy_reply_too_long(struct str place, size_t limit, struct str line);
/* It said something before it was asked. */
void log_proxy_unasked(struct str place, struct str input);
/* "proxy-accept: END-OF-MESSAGE: 250 ...; from=<...": what became of a message. */
void log_proxy_verdict(const struct session *session, bool is_accepted, struct str reply, struct str recipient);
/* An access table's action that takes a queue, where a proxy filter gets the mail. */
void log_action_unavailable(struct str table, struct str action);
/* A DNS list could not be asked; its reply's template names what there is not, or cannot be used. */
void log_rbl_lookup_error(struct str name, const char *reason, bool is_filters_fault);
/* "2.0.0.127.dnsbl.example.com: TXT lookup error: DNS reply filter drops all results" */
void log_rbl_text_error(struct str name, const char *reason);
void log_bad_rbl_filter(struct str domain, const char *reason);
void log_bad_rbl_code(struct str text);
void log_unknown_macro(struct str name);
void log_bad_rbl_template(struct str domain, struct str template);
void log_no_relay_control(void);
void log_peer_trouble(struct str trouble);

#endif
