/* SPDX-License-Identifier: Apache-2.0 */
/* check_policy_service: what a policy server answers is done like what an access table says. */
#include "smtpd/log_lines.h"
#include "smtpd/policy_server.h"
#include "smtpd/restriction.h"
#include "table/address_lookup.h"

enum verdict restriction_policy_service(struct check *check, const struct restriction_node *node)
{
    struct address_answer answer = { 0 };

    if (node->policy_server == NULL)
        return restriction_misconfigured(check);
    answer.table = policy_server_place(node->policy_server);
    answer.value = str_trim(policy_server_ask(node->policy_server, check));
    if (answer.value.len == 0) {
        log_policy_empty(answer.table);
        return VERDICT_DUNNO;
    }
    return restriction_act(check, check->topic, &answer);
}
