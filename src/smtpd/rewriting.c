/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/rewriting.h"

#include "config/restriction_names.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

struct rewriting_client {
    struct str name;
    enum restriction_word word; /* RESTRICTION_WORDS: a table by itself, or nothing we know */
    struct table_list *table;
};

struct rewriting_list {
    struct rewriting_client *clients;
    size_t count;
};

static size_t count_words(struct str value)
{
    struct str word;
    size_t count = 0;

    while (table_list_next_word(&value, ", \t\r\n", &word))
        count++;
    return count;
}

/* "{ type:name }" or "type:name". */
static struct str without_braces(struct str word)
{
    if (word.len >= 2 && word.data[0] == '{' && word.data[word.len - 1] == '}')
        return str_trim(str_part(word, 1, word.len - 2));
    return word;
}

const struct rewriting_list *rewriting_parse(struct smtpd *smtpd, struct str value)
{
    struct rewriting_list *list = arena_new(smtpd->arena, struct rewriting_list);
    struct str word;

    list->clients = arena_new_array(smtpd->arena, count_words(value) + 1, struct rewriting_client);
    while (table_list_next_word(&value, ", \t\r\n", &word)) {
        struct rewriting_client *client = &list->clients[list->count++];

        client->name = word;
        client->word = restriction_word_find(word);
        if (client->word == RESTRICTION_CHECK_ADDRESS_MAP && !table_list_next_word(&value, ", \t\r\n", &word))
            break;
        if (client->word == RESTRICTION_CHECK_ADDRESS_MAP || str_contains_char(word, ':'))
            client->table = table_list_open(smtpd->tables, client->name, without_braces(word), TABLE_FOLD);
    }
    return list;
}

static bool is_about_trust(const struct rewriting_client *client)
{
    return str_equal_nocase(client->name, STR("permit_tls_all_clientcerts"));
}

static enum table_result is_meant(struct session *session, const struct rewriting_client *client, struct failure *why)
{
    struct smtpd *smtpd = session->smtpd;
    const struct peer *peer = &session->peer;
    struct str ignored;

    if (client->table != NULL)
        return table_list_find(client->table, peer->address, TABLE_FIXED, session->command_arena, &ignored, why);
    if (client->word == RESTRICTION_PERMIT_INET_INTERFACES)
        return own_address_list_has(&smtpd->own_addresses, &peer->ip) ? TABLE_FOUND : TABLE_ABSENT;
    if (client->word == RESTRICTION_PERMIT_SASL_AUTHENTICATED)
        return login_proves(&session->login) ? TABLE_FOUND : TABLE_ABSENT;
    if (client->word == RESTRICTION_PERMIT_MYNETWORKS)
        return match_list_has_host(smtpd->mynetworks, peer->name, peer->address, why);
    if (client->word == RESTRICTION_CHECK_ADDRESS_MAP) {
        (void) failure_set(why, FAILURE_CONFIGURATION, 0, "a table must follow: type:name");
        return TABLE_UNKNOWN;
    }
    if (client->word == RESTRICTION_PERMIT_TLS_CLIENTCERTS)
        return restriction_is_certificate_known(session, session->command_arena, why);
    if (is_about_trust(client))
        return encryption_trusted_certificate(session) != NULL ? TABLE_FOUND : TABLE_ABSENT;
    log_bad_rewriting_client(client->name);
    return TABLE_ABSENT;
}

static bool refuse(struct session *session, struct str title, const struct failure *why, struct str *reply_out)
{
    *reply_out = STR("451 4.3.0 Temporary lookup error");
    log_table_trouble(title, why->text);
    /* The line is that of a message that never began. */
    transaction_end(&session->transaction);
    log_reject(session, "reject", *reply_out, STR_EMPTY);
    history_next_is(session, NOTICE_RESOURCE);
    return false;
}

bool rewriting_is_known(struct session *session, bool *is_local_out, struct str *reply_out)
{
    const struct rewriting_list *list = session->smtpd->rewriting;
    enum table_result result = TABLE_ABSENT;
    struct failure why;

    *is_local_out = true;
    /* Started by a user: what he submits is completed by pickup and cleanup. */
    if (session->smtpd->is_standalone)
        return true;
    for (size_t i = 0; i < list->count && result == TABLE_ABSENT; i++) {
        result = is_meant(session, &list->clients[i], &why);
        if (result == TABLE_UNKNOWN)
            return refuse(session, list->clients[i].name, &why, reply_out);
    }
    *is_local_out = result == TABLE_FOUND;
    return true;
}
