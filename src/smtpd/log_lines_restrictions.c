/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of restrictions, and of the tables, lists and certificates that they ask. */
#include "smtpd/log_lines.h"

#include "log/log.h"

void log_bad_table_argument(struct str name, struct str argument)
{
    log_warning("restriction %.*s: bad argument \"%.*s\": need maptype:mapname", STR_ARG(name),
                STR_ARG(str_part(argument, 0, 100)));
}

void log_argument_missing(struct str name, const char *what)
{
    log_warning("restriction %.*s must be followed by %s", STR_ARG(name), what);
}

void log_domain_missing(struct str name)
{
    log_warning("restriction %.*s requires domain name argument", STR_ARG(name));
}

void log_restriction_after(struct str name, struct str before)
{
    log_warning("restriction `%.*s' after `%.*s' is ignored", STR_ARG(name), STR_ARG(before));
}

void log_removed_restriction(struct str name, const char *instead)
{
    log_warning("support for restriction \"%.*s\" has been removed in Postfix 3.9; instead, specify %s", STR_ARG(name),
                instead);
}

void log_forbidden_permit(struct str restriction, struct str name)
{
    log_warning("restriction %.*s returns OK for %.*s", STR_ARG(restriction), STR_ARG(name));
    log_warning("this is not allowed for security reasons");
    log_warning("use DUNNO instead of OK if you want to make an exception");
}

void log_no_client_certificates(struct str restriction)
{
    log_warning("%.*s is requested, but \"smtpd_tls_ask_ccert = no\"", STR_ARG(restriction));
}

void log_table_nesting(struct str table, struct str value)
{
    log_warning("access table %.*s entry %.*s causes unreasonable recursion", STR_ARG(table), STR_ARG(value));
}

void log_restriction_nesting(void)
{
    log_warning("smtpd restrictions name each other without end");
}

void log_table_in_access_table(struct str table, struct str value)
{
    log_warning("access table %.*s has entry with lookup table: %.*s", STR_ARG(table), STR_ARG(value));
    log_warning("do not specify lookup tables inside SMTPD access maps");
    log_warning("define a restriction class and specify its name instead.");
}

void log_action_without_message(struct str table, struct str action)
{
    log_warning("access table %.*s: action %.*s is unavailable in smtpd_etrn_restrictions", STR_ARG(table),
                STR_ARG(action));
}

void log_action_too_early(struct str table, struct str action)
{
    log_warning("access table %.*s: with smtpd_delay_reject=no, action %.*s is always skipped in Client host or Helo "
                "command restrictions",
                STR_ARG(table), STR_ARG(action));
}

void log_prepend_too_late(struct str table)
{
    log_warning("access table %.*s: action PREPEND must be used before smtpd_end_of_data_restrictions", STR_ARG(table));
}

void log_filter_without_value(struct str table, struct str key)
{
    log_warning("access table %.*s entry \"%.*s\" has FILTER entry without value", STR_ARG(table), STR_ARG(key));
}

void log_action_requires(struct str table, struct str key, const char *what)
{
    log_warning("access table %.*s entry \"%.*s\" requires %s", STR_ARG(table), STR_ARG(key), what);
}

void log_table_trouble(struct str title, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s", STR_ARG(title), reason);
}

void log_rbl_lookup_error(struct str name, const char *reason, bool is_filters_fault)
{
    log_warning("%.*s: RBL lookup error: %s name=%.*s type=A: %s", STR_ARG(name),
                is_filters_fault ? "Error looking up" : "Host or domain name not found. Name service error for",
                STR_ARG(name), reason);
}

void log_rbl_text_error(struct str name, const char *reason)
{
    log_warning("%.*s: TXT lookup error: %s", STR_ARG(name), reason);
}

void log_bad_rbl_filter(struct str domain, const char *reason)
{
    log_warning("RBL domain %.*s: %s", STR_ARG(domain), reason);
}

void log_bad_rbl_code(struct str text)
{
    log_warning("rbl response code configuration error: %.*s", STR_ARG(text));
}

void log_unknown_macro(struct str name)
{
    log_warning("unknown macro name \"%.*s\" in expansion request", STR_ARG(name));
}

void log_bad_rbl_template(struct str domain, struct str template)
{
    log_warning("rbl_reject_reply: bad rbl reply template for domain %.*s: %.*s", STR_ARG(domain), STR_ARG(template));
}

void log_no_relay_control(void)
{
    log_error("in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working "
              "instance of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit; until "
              "then every recipient is refused");
}
