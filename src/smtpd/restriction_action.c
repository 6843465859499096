/* SPDX-License-Identifier: Apache-2.0 */
/* What the right-hand sides of access tables, and the answers of policy servers, mean (access(5)). */
#include "mail/dsn.h"
#include "mail/header.h"
#include "smtpd/log_lines.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "table/address_lookup.h"

/* What was found where, while its value is acted on. */
struct found {
    struct check *check;
    enum restriction_topic topic;
    struct str table;
    struct str key;
    struct str action; /* first word of the value */
    struct str text;   /* the rest */
};

static enum verdict act_permit(const struct found *found)
{
    return restriction_permitted(found->check, found->topic, found->action, found->table);
}

static enum verdict act_dunno(const struct found *found)
{
    (void) found;
    return VERDICT_DUNNO;
}

/* "5.7.1 text", "text" or nothing, with the code given. */
static enum verdict refuse_with(const struct found *found, int code)
{
    struct dsn_status fallback = DSN_STATUS((unsigned char) (code / 100), 7, 1);
    char buffer[DSN_STATUS_SIZE];
    struct str text, status;

    status =
        arena_str(found->check->arena, dsn_status_format(dsn_split_text(found->text, fallback, false, &text), buffer));
    return restriction_reject(found->check, found->topic, code, status.data,
                              text.len > 0 ? text : STR("Access denied"));
}

static enum verdict act_reject(const struct found *found)
{
    return refuse_with(found, found->check->smtpd->settings->access_map_reject_code);
}

static enum verdict act_defer(const struct found *found)
{
    return refuse_with(found, found->check->smtpd->settings->access_map_defer_code);
}

static void keep(const struct found *found, struct deferral *deferral)
{
    char buffer[DSN_STATUS_SIZE];
    struct str text, status;

    status = arena_str(found->check->arena,
                       dsn_status_format(dsn_split_text(found->text, DSN_STATUS(4, 7, 1), false, &text), buffer));
    restriction_keep(found->check, deferral, found->topic, found->check->smtpd->settings->access_map_defer_code,
                     status.data, text.len > 0 ? text : STR("Service unavailable"));
}

static enum verdict act_defer_if_permit(const struct found *found)
{
    keep(found, &found->check->defer_if_permit);
    return VERDICT_DUNNO;
}

static enum verdict act_defer_if_reject(const struct found *found)
{
    keep(found, &found->check->defer_if_reject);
    return VERDICT_DUNNO;
}

static enum verdict note(const struct found *found, const char *kind)
{
    log_notice(found->check->session, kind, found->text, found->check->recipient_shown);
    return VERDICT_DUNNO;
}

static enum verdict act_warn(const struct found *found)
{
    return note(found, "warn");
}

static enum verdict act_info(const struct found *found)
{
    return note(found, "info");
}

/* ---- orders about the whole message ---- */

/* An order needs a message it is about: some lists are asked before there is one, one when its header has gone. */
static bool may_order(const struct found *found)
{
    const struct check *check = found->check;
    bool is_header = str_equal_nocase(found->action, STR("PREPEND"));

    if (transaction_is_open(&check->session->transaction) && (is_header || check->smtpd->proxy == NULL))
        return true;
    if (transaction_is_open(&check->session->transaction)) {
        log_action_unavailable(found->table, found->action);
        return false;
    }
    if (check->topic == TOPIC_ETRN && !is_header)
        log_action_without_message(found->table, found->action);
    else
        log_action_too_early(found->table, found->action);
    return false;
}

static void log_order(const struct found *found, const char *kind, struct str what)
{
    struct str topic = restriction_topic_shown(found->check, found->topic);

    log_notice(found->check->session, kind,
               arena_printf(found->check->arena, "%.*s %.*s", STR_ARG(topic), STR_ARG(what)),
               found->check->recipient_shown);
}

/* "triggers HOLD action", or the table's own words. */
static void log_plain_order(const struct found *found, const char *kind)
{
    struct str what = found->text;

    if (what.len == 0)
        what = arena_printf(found->check->arena, "triggers %.*s action", STR_ARG(found->action));
    log_order(found, kind, what);
}

static void log_order_with_text(const struct found *found, const char *kind)
{
    log_order(found, kind,
              arena_printf(found->check->arena, "triggers %.*s %.*s", STR_ARG(found->action), STR_ARG(found->text)));
}

static struct orders *orders_of(const struct found *found)
{
    return &found->check->session->transaction.orders;
}

/* Once for a message: the second recipient of a sender that is held says nothing new. */
static void order_once(const struct found *found, const char *kind, enum cleanup_flag flag)
{
    struct orders *orders = orders_of(found);

    if (orders->for_cleanup.flags & flag)
        return;
    log_plain_order(found, kind);
    orders_add_flag(orders, flag);
}

static enum verdict act_hold(const struct found *found)
{
    if (may_order(found))
        order_once(found, "hold", CLEANUP_FLAG_HOLD);
    return VERDICT_DUNNO;
}

static enum verdict act_discard(const struct found *found)
{
    if (!may_order(found))
        return VERDICT_DUNNO;
    order_once(found, "discard", CLEANUP_FLAG_DISCARD);
    return VERDICT_PERMIT;
}

static enum verdict act_filter(const struct found *found)
{
    if (!may_order(found))
        return VERDICT_DUNNO;
    if (found->text.len == 0) {
        log_filter_without_value(found->table, found->key);
    } else if (!str_contains_char(found->text, ':')) {
        log_action_requires(found->table, found->key, "transport:destination");
    } else {
        log_order_with_text(found, "filter");
        orders_set_filter(orders_of(found), found->check->session->transaction.arena, found->text);
    }
    return VERDICT_DUNNO;
}

/* Whether the text is an address with a domain. */
static bool has_target(const struct found *found)
{
    if (str_contains_char(found->text, '@'))
        return true;
    log_action_requires(found->table, found->key, "user@domain target");
    return false;
}

static enum verdict act_redirect(const struct found *found)
{
    if (!may_order(found) || !has_target(found))
        return VERDICT_DUNNO;
    log_order_with_text(found, "redirect");
    orders_set_redirect(orders_of(found), found->check->session->transaction.arena, found->text);
    return VERDICT_DUNNO;
}

static enum verdict act_bcc(const struct found *found)
{
    if (!may_order(found) || !has_target(found))
        return VERDICT_DUNNO;
    log_order_with_text(found, "bcc");
    orders_add_copy(orders_of(found), found->check->session->transaction.arena, found->text);
    return VERDICT_DUNNO;
}

static enum verdict act_prepend(const struct found *found)
{
    const struct transaction *transaction = &found->check->session->transaction;
    struct str rest = found->text;
    struct header_field field;

    if (!may_order(found))
        return VERDICT_DUNNO;
    if (transaction->has_content)
        log_prepend_too_late(found->table);
    else if (!header_take_field(&rest, &field) || rest.len > 0)
        log_action_requires(found->table, found->key, "header: text");
    else
        orders_add_header(orders_of(found), transaction->arena, found->text);
    return VERDICT_DUNNO;
}

static const struct {
    const char *name;
    enum verdict (*run)(const struct found *found);
} actions[] = {
    { "OK", act_permit },
    { "RELAY", act_permit },
    { "DUNNO", act_dunno },
    { "REJECT", act_reject },
    { "DEFER", act_defer },
    { "DEFER_IF_PERMIT", act_defer_if_permit },
    { "DEFER_IF_REJECT", act_defer_if_reject },
    { "WARN", act_warn },
    { "INFO", act_info },
    { "HOLD", act_hold },
    { "DISCARD", act_discard },
    { "FILTER", act_filter },
    { "REDIRECT", act_redirect },
    { "BCC", act_bcc },
    { "PREPEND", act_prepend },
};

/* "4NN text" and "5NN text" are replies. */
static bool is_reply_code(struct str action)
{
    return action.len == 3 && syntax_is_number(action) && (action.data[0] == '4' || action.data[0] == '5');
}

enum verdict restriction_act(struct check *check, enum restriction_topic topic, const struct address_answer *answer)
{
    struct found found = { .check = check, .topic = topic, .table = answer->table, .key = answer->key };
    struct str value = str_trim(answer->value);
    uint64_t code;

    /* "all numerical" is how POP-before-SMTP programs say OK */
    if (syntax_is_number(value)) {
        found.action = arena_str(check->arena, value);
        return act_permit(&found);
    }
    found.action = arena_str(check->arena, str_part(value, 0, str_find_any(value, " \t")));
    found.text = str_trim(str_from(value, found.action.len));
    for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
        if (str_equal_nocase(found.action, str_from_c(actions[i].name)))
            return actions[i].run(&found);
    }
    if (is_reply_code(found.action) && str_to_uint64(found.action, &code))
        return refuse_with(&found, (int) code);
    return restriction_run_names(check, value, answer->table);
}
