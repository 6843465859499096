/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/refusal_footer.h"

#include "config/shared_settings.h"
#include "mail/reply_footer.h"
#include "postscreen/client.h"
#include "postscreen/log_lines.h"
#include "postscreen/postscreen.h"

static void append_named(void *context, struct str name, struct strbuf *out)
{
    const struct client *client = context;

    if (str_equal(name, STR("client")))
        reply_footer_append_tame(out, arena_printf(client->arena, "unknown[%.*s]", STR_ARG(client->address)));
    else if (str_equal(name, STR("client_name")))
        reply_footer_append_tame(out, STR("unknown"));
    else if (str_equal(name, STR("client_address")))
        reply_footer_append_tame(out, client->address);
    else if (str_equal(name, STR("client_port")))
        reply_footer_append_tame(out, client->port);
    else if (str_equal(name, STR("helo_name")))
        reply_footer_append_tame(out, client->helo);
    else if (str_equal(name, STR("server_name")))
        reply_footer_append_tame(out, client->postscreen->shared->myhostname);
    else if (str_equal(name, STR("sender")) && client->has_mail)
        reply_footer_append_tame(out, client->sender);
    else if (str_equal(name, STR("localtime")))
        reply_footer_append_time(out, clock_now());
}

static struct str template_of(struct client *client, struct str text)
{
    struct table_list *maps = client->postscreen->reject_footer_maps;
    struct failure why;
    struct str value;

    if (!table_list_is_empty(maps)) {
        switch (table_list_find(maps, text, TABLE_ANY_KIND, client->arena, &value, &why)) {
        case TABLE_FOUND:
            return value;
        case TABLE_UNKNOWN:
            log_table_trouble(table_list_title(maps), why.text);
            break;
        case TABLE_ABSENT:
            break;
        }
    }
    return str_equal(client->settings->reject_footer, STR("$smtpd_reject_footer"))
               ? client->settings->smtpd_reject_footer
               : client->settings->reject_footer;
}

struct str refusal_footer_add(struct client *client, struct str text)
{
    if (text.len < 4 || (text.data[0] != '4' && text.data[0] != '5') || str_contains_char(text, '\n'))
        return text;
    return reply_footer_add(text, template_of(client, text), append_named, client, client->arena);
}
