/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on who the client has proved to be, by logging in. */
#include "smtpd/destination.h"
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/address_lookup.h"

static bool has_logins(const struct check *check, struct str restriction)
{
    if (!check->smtpd->has_logins)
        log_no_sasl(restriction);
    return check->smtpd->has_logins;
}

/* The whole name alone: it need not be an address. */
enum verdict restriction_sasl_access(struct check *check, const struct restriction_node *node)
{
    const struct login *login = &check->session->login;
    struct address_answer answer = { .key = login->username, .table = table_list_title(node->table) };
    struct failure why;

    if (!has_logins(check, node->name) || !login_is_known(login))
        return VERDICT_DUNNO;
    switch (table_list_find_where(node->table, login->username, TABLE_ANY_KIND, check->arena, &answer.value,
                                  &answer.table, &why)) {
    case TABLE_FOUND:
        return restriction_act(check, TOPIC_LOGIN, &answer);
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(node->table), why.text);
        return restriction_reject(check, TOPIC_LOGIN, 451, "4.3.5", STR("Server configuration error"));
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

enum verdict restriction_reject_plaintext_session(struct check *check, const struct restriction_node *node)
{
    (void) node;
    if (session_is_encrypted(check->session))
        return VERDICT_DUNNO;
    return restriction_reject_plain(check, check->smtpd->settings->plaintext_reject_code, "4.7.1",
                                    STR("Session encryption is required"));
}

/* Keys without a domain are of those in our own. */
static enum table_result is_local_domain(void *context, struct str domain, struct failure *why)
{
    const struct destination *destination = context;

    (void) domain, (void) why;
    return destination->address_class == RESOLVE_LOCAL ? TABLE_FOUND : TABLE_ABSENT;
}

static enum table_result find_owners(struct check *check, const struct destination *destination, struct str *owners_out,
                                     struct failure *why)
{
    const struct address_rules rules = {
        .steps = ADDRESS_STEPS_DEFAULT,
        .recipient_delimiter = check->smtpd->shared->recipient_delimiter,
        .is_owner_plain = !check->smtpd->shared->owner_request_special,
        .is_local_domain = is_local_domain,
        .context = (void *) (uintptr_t) destination,
    };
    struct address_answer answer = { .value = STR_EMPTY };
    enum table_result result;

    result =
        address_lookup(check->smtpd->sender_login_maps, &rules, destination->recipient, check->arena, &answer, why);
    *owners_out = answer.value;
    return result;
}

/* Who may send with the sender's address, and whether the client is one of them. */
struct ownership {
    bool is_owned;
    bool is_owner;
};

/* False: the verdict is known without. */
static bool find_ownership(struct check *check, struct ownership *ownership_out, enum verdict *verdict_out)
{
    const struct transaction *transaction = &check->session->transaction;
    const struct destination *destination;
    struct str owners, owner;
    struct failure why;

    *verdict_out = VERDICT_DUNNO;
    if (!transaction_is_open(transaction) || transaction->sender.len == 0)
        return false;
    if (!destination_look_up(check->smtpd, STR_EMPTY, transaction->sender, check->arena, &destination, &why)) {
        *verdict_out = restriction_unanswered(check, TOPIC_SENDER, STR("rewrite service"), &why);
        return false;
    }
    *ownership_out = (struct ownership){ false, false };
    switch (find_owners(check, destination, &owners, &why)) {
    case TABLE_FOUND:
        ownership_out->is_owned = true;
        while (str_next_word(&owners, ", \t\r\n", &owner))
            ownership_out->is_owner |= str_equal_nocase(owner, check->session->login.username);
        break;
    case TABLE_UNKNOWN:
        *verdict_out = restriction_unanswered(check, TOPIC_SENDER, STR("smtpd_sender_login_maps"), &why);
        return false;
    case TABLE_ABSENT:
        break;
    }
    return true;
}

/* Logged in, and not with a name that the address belongs to. */
static enum verdict judge_user(struct check *check, bool must_be_owned)
{
    struct ownership ownership;
    enum verdict verdict;

    if (!find_ownership(check, &ownership, &verdict))
        return verdict;
    if (ownership.is_owner || (must_be_owned && !ownership.is_owned))
        return VERDICT_DUNNO;
    return restriction_reject(
        check, TOPIC_SENDER, 553, "5.7.1",
        arena_printf(check->arena, "not owned by user %.*s", STR_ARG(check->session->login.username)));
}

/* Not logged in, and the address belongs to somebody. */
static enum verdict judge_stranger(struct check *check)
{
    struct ownership ownership;
    enum verdict verdict;

    if (!find_ownership(check, &ownership, &verdict))
        return verdict;
    return ownership.is_owned ? restriction_reject(check, TOPIC_SENDER, 553, "5.7.1", STR("not logged in"))
                              : VERDICT_DUNNO;
}

enum verdict restriction_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    bool has_both = has_logins(check, STR("reject_authenticated_sender_login_mismatch"));

    (void) node;
    has_both &= has_logins(check, STR("reject_unauthenticated_sender_login_mismatch"));
    if (!has_both)
        return VERDICT_DUNNO;
    return login_is_known(&check->session->login) ? judge_user(check, false) : judge_stranger(check);
}

enum verdict restriction_unauthenticated_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    if (!has_logins(check, node->name) || login_is_known(&check->session->login))
        return VERDICT_DUNNO;
    return judge_stranger(check);
}

enum verdict restriction_known_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    if (!has_logins(check, node->name))
        return VERDICT_DUNNO;
    return login_is_known(&check->session->login) ? judge_user(check, true) : judge_stranger(check);
}

enum verdict restriction_authenticated_sender_login_mismatch(struct check *check, const struct restriction_node *node)
{
    if (!has_logins(check, node->name) || !login_is_known(&check->session->login))
        return VERDICT_DUNNO;
    return judge_user(check, false);
}
