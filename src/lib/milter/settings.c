/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/settings.h"

#define OWNER struct milter_settings
#define TIME(member, name, default_text, purpose) SETTING_TIME(OWNER, member, name, default_text, 1, 0, 's', purpose)
#define TEXT(member, name, default_text, purpose) SETTING_STRING(OWNER, member, name, default_text, 0, 0, purpose)

static const struct setting rows[] = {
    TEXT(non_smtpd_milters, "non_smtpd_milters", "", "Milters for mail that does not come by SMTP."),
    TIME(connect_timeout, "milter_connect_timeout", "30s",
         "How long connecting to a milter and agreeing on options may take."),
    TIME(command_timeout, "milter_command_timeout", "30s", "How long a milter may take for an SMTP command."),
    TIME(content_timeout, "milter_content_timeout", "300s", "How long a milter may take for a piece of a message."),
    TEXT(protocol, "milter_protocol", "6",
         "The version of the protocol, and no_header_reply for milters that answer none."),
    TEXT(default_action, "milter_default_action", "shutdown",
         "What holds when a milter does not answer: accept, reject, tempfail, quarantine or shutdown."),
    TEXT(connect_macros, "milter_connect_macros", "j {daemon_name} {daemon_addr} v _",
         "The macros that milters are told when a client has connected."),
    TEXT(helo_macros, "milter_helo_macros", "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
         "The macros that milters are told with HELO or EHLO."),
    TEXT(mail_macros, "milter_mail_macros",
         "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
         "The macros that milters are told with MAIL."),
    TEXT(rcpt_macros, "milter_rcpt_macros", "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
         "The macros that milters are told with RCPT."),
    TEXT(data_macros, "milter_data_macros", "i", "The macros that milters are told with DATA."),
    TEXT(end_of_header_macros, "milter_end_of_header_macros", "i",
         "The macros that milters are told at the end of the header."),
    TEXT(end_of_data_macros, "milter_end_of_data_macros", "i",
         "The macros that milters are told at the end of the message."),
    TEXT(unknown_command_macros, "milter_unknown_command_macros", "",
         "The macros that milters are told with a command that nobody knows."),
    TEXT(macro_daemon_name, "milter_macro_daemon_name", "$myhostname", "The macro {daemon_name}."),
    TEXT(macro_v, "milter_macro_v", "$mail_name $mail_version", "The macro v."),
    TEXT(macro_defaults, "milter_macro_defaults", "",
         "What macros are worth that have no value: name=value or {name=value}, ..."),
};

const struct settings_table milter_settings_table = SETTINGS_TABLE("milter", struct milter_settings, rows);

struct str milter_settings_macros(const struct milter_settings *settings, enum milter_stage stage)
{
    const struct str macros[MILTER_STAGE_COUNT] = {
        [MILTER_STAGE_CONNECT] = settings->connect_macros,
        [MILTER_STAGE_HELO] = settings->helo_macros,
        [MILTER_STAGE_MAIL] = settings->mail_macros,
        [MILTER_STAGE_RCPT] = settings->rcpt_macros,
        [MILTER_STAGE_DATA] = settings->data_macros,
        [MILTER_STAGE_END_OF_MESSAGE] = settings->end_of_data_macros,
        [MILTER_STAGE_END_OF_HEADERS] = settings->end_of_header_macros,
        [MILTER_STAGE_UNKNOWN_COMMAND] = settings->unknown_command_macros,
    };

    return macros[stage];
}
