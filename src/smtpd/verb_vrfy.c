/* SPDX-License-Identifier: Apache-2.0 */
/* VRFY: would this recipient be taken? It asks what RCPT asks, and changes nothing. */
#include "mail/smtp_path.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/verbs.h"

/* "VRFY address SMTPUTF8" (RFC 6531 section 3.7.4.2). */
static struct str without_parameter(const struct session *session, struct str argument)
{
    static const struct str parameter = { " SMTPUTF8", 9 };

    if (session->smtpd->shared->smtputf8_enable && argument.len > parameter.len &&
        str_equal_nocase(str_from(argument, argument.len - parameter.len), parameter))
        return str_trim(str_part(argument, 0, argument.len - parameter.len));
    return argument;
}

static bool take_address(struct session *session, struct str address, struct smtp_path *path)
{
    struct str rest = address;
    struct failure why;
    unsigned flags = session->smtpd->shared->smtputf8_enable ? SMTP_PATH_MAY_BE_UTF8 : 0;

    if (session->smtpd->shared->allow_min_user)
        flags |= SMTP_PATH_MAY_BEGIN_WITH_DASH;
    if (smtp_path_take(&rest, flags, session->command_arena, path, &why) && str_trim(rest).len == 0)
        return true;
    log_bad_address(session, "VRFY", address);
    answer(session, "501 5.1.3 Bad recipient address syntax");
    return false;
}

void verb_vrfy(struct session *session, struct str argument)
{
    struct str address = without_parameter(session, argument), reply;
    struct smtp_path path;

    if (session->settings->disable_vrfy_command) {
        answer(session, "502 5.5.1 VRFY command is disabled");
        return;
    }
    if (address.len == 0) {
        answer(session, "501 5.5.4 Syntax: VRFY address%s",
               session->smtpd->shared->smtputf8_enable ? " [SMTPUTF8]" : "");
        return;
    }
    if (!rates_allow(session, ANVIL_RECIPIENT) || !take_address(session, address, &path))
        return;
    if (!policy_allows_recipient(session, path.address, path.external, &reply))
        answer_send(session, reply);
    else
        answer(session, "252 2.0.0 %.*s", STR_ARG(address));
}
