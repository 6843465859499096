/* SPDX-License-Identifier: Apache-2.0 */
/* Restrictions on the certificate that the client has shown. */
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "table/address_lookup.h"

static void complain_if_not_asked(const struct check *check, struct str restriction)
{
    if (!check->smtpd->settings->tls.ask_certificate && !check->smtpd->encryption.asks_certificate)
        log_no_client_certificates(restriction);
}

/* In clear there is nothing to wonder at. */
static void complain_if_not_asked_under_tls(const struct check *check, struct str restriction)
{
    if (session_is_encrypted(check->session))
        complain_if_not_asked(check, restriction);
}

/* By the fingerprint of the certificate, then by that of its key. */
static enum table_result find_certificate(struct table_list *table, const struct tls_facts *certificate,
                                          struct arena *arena, struct address_answer *answer, struct failure *why)
{
    const struct str keys[] = { certificate->fingerprint, certificate->key_fingerprint };

    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        enum table_result result =
            table_list_find_where(table, keys[i], TABLE_ANY_KIND, arena, &answer->value, &answer->table, why);

        answer->key = keys[i];
        if (result != TABLE_ABSENT)
            return result;
    }
    return TABLE_ABSENT;
}

enum table_result restriction_is_certificate_known(struct session *session, struct arena *arena, struct failure *why)
{
    const struct tls_facts *certificate = encryption_certificate(session);
    struct table_list *table = session->smtpd->encryption.relay_clientcerts;
    struct address_answer answer;

    if (certificate == NULL || table_list_is_empty(table))
        return TABLE_ABSENT;
    return find_certificate(table, certificate, arena, &answer, why);
}

enum verdict restriction_permit_known_certificate(struct check *check, const struct restriction_node *node)
{
    struct failure why;

    complain_if_not_asked_under_tls(check, node->name);
    switch (restriction_is_certificate_known(check->session, check->arena, &why)) {
    case TABLE_FOUND:
        return restriction_permitted(check, TOPIC_CLIENT, node->name, STR_EMPTY);
    case TABLE_UNKNOWN:
        /* It may be one of those that we know: a refusal further down must not be final. */
        log_table_trouble(STR("relay_clientcerts"), why.text);
        restriction_keep(check, &check->defer_if_reject, TOPIC_CLIENT, 451, "4.3.0", STR("Temporary lookup failure"));
        return VERDICT_DUNNO;
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}

enum verdict restriction_permit_trusted_certificate(struct check *check, const struct restriction_node *node)
{
    complain_if_not_asked_under_tls(check, node->name);
    if (encryption_trusted_certificate(check->session) == NULL)
        return VERDICT_DUNNO;
    return restriction_permitted(check, TOPIC_CLIENT, node->name, STR_EMPTY);
}

enum verdict restriction_ccert_access(struct check *check, const struct restriction_node *node)
{
    const struct tls_facts *certificate = encryption_certificate(check->session);
    struct address_answer answer = { .table = table_list_title(node->table) };
    struct failure why;

    complain_if_not_asked(check, node->name);
    if (certificate == NULL)
        return VERDICT_DUNNO;
    switch (find_certificate(node->table, certificate, check->arena, &answer, &why)) {
    case TABLE_FOUND:
        return restriction_act(check, TOPIC_CERTIFICATE, &answer);
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(node->table), why.text);
        return restriction_reject(check, TOPIC_CERTIFICATE, 451, "4.3.5", STR("Server configuration error"));
    case TABLE_ABSENT:
        break;
    }
    return VERDICT_DUNNO;
}
