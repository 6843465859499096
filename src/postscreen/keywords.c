/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/keywords.h"

#include "config/shared_settings.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"

static const struct {
    const char *name;
    unsigned bit;
} keywords[] = {
    { "SIZE", KEYWORD_SIZE },
    { "VRFY", KEYWORD_VRFY },
    { "ETRN", KEYWORD_ETRN },
    { "STARTTLS", KEYWORD_STARTTLS },
    { "ENHANCEDSTATUSCODES", KEYWORD_ENHANCEDSTATUSCODES },
    { "8BITMIME", KEYWORD_8BITMIME },
    { "DSN", KEYWORD_DSN },
    { "SMTPUTF8", KEYWORD_SMTPUTF8 },
    { "CHUNKING", KEYWORD_CHUNKING },
};

static unsigned mask_of(struct str list)
{
    unsigned mask = 0;
    struct str word;

    while (str_next_word(&list, ", \t\r\n", &word)) {
        for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
            if (str_equal_nocase(word, str_from_c(keywords[i].name)))
                mask |= keywords[i].bit;
        }
    }
    return mask;
}

/* The table's word for this client counts instead of the list. */
static struct str list_for(struct client *client)
{
    struct table_list *maps = client->postscreen->discard_ehlo_keyword_maps;
    struct failure why;
    struct str value;

    if (!table_list_is_empty(maps)) {
        switch (table_list_find(maps, client->address, TABLE_ANY_KIND, client->arena, &value, &why)) {
        case TABLE_FOUND:
            return value;
        case TABLE_UNKNOWN:
            log_table_trouble(table_list_title(maps), why.text);
            break;
        case TABLE_ABSENT:
            break;
        }
    }
    return client->settings->discard_ehlo_keywords;
}

void keywords_find(struct client *client)
{
    const struct postscreen *postscreen = client->postscreen;

    client->discarded_keywords = mask_of(list_for(client));
    if (!postscreen->shared->smtputf8_enable)
        client->discarded_keywords |= KEYWORD_SMTPUTF8;
    if (postscreen->tls_level == SCREEN_TLS_NONE)
        client->discarded_keywords |= KEYWORD_STARTTLS;
}

void keywords_append(const struct client *client, struct strbuf *out)
{
    const struct shared_settings *shared = client->postscreen->shared;
    size_t last = 0;

    strbuf_printf(out, "250 %.*s", STR_ARG(shared->myhostname));
    for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
        if (client->discarded_keywords & keywords[i].bit ||
            (keywords[i].bit == KEYWORD_STARTTLS && client->tls.len > 0))
            continue;
        out->data[last + 3] = '-';
        strbuf_append_char(out, '\n');
        last = out->len;
        strbuf_printf(out, "250 %s", keywords[i].name);
        if (keywords[i].bit == KEYWORD_SIZE && shared->message_size_limit > 0)
            strbuf_printf(out, " %lld", (long long) shared->message_size_limit);
    }
}
