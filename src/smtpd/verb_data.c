/* SPDX-License-Identifier: Apache-2.0 */
/* DATA: the message, up to a dot on a line of its own (RFC 5321 section 4.1.1.4). */
#include "smtpd/answer.h"
#include "smtpd/content.h"
#include "smtpd/message.h"
#include "smtpd/policy.h"
#include "smtpd/proxy_filter.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/verbs.h"

void verb_data(struct session *session, struct str argument)
{
    struct str reply;

    if (session->transaction.is_chunked) {
        answer(session, "503 5.5.1 Error: DATA after BDAT");
        return;
    }
    if (!message_may_begin(session))
        return;
    if (argument.len > 0) {
        answer(session, "501 5.5.4 Syntax: DATA");
        return;
    }
    if (!policy_allows_data(session, &reply)) {
        answer_send(session, reply);
        return;
    }
    if (!session_milters_allow_data(session, &reply)) {
        answer_send_lines(session, reply);
        return;
    }
    if (session->transaction.proxy != NULL && !proxy_filter_begin_content(session, &reply)) {
        answer_send_lines(session, reply);
        return;
    }
    answer_send(session, STR("354 End data with <CR><LF>.<CR><LF>"));
    if (!session_is_broken(session) && content_read_data(session))
        message_end(session);
}
