/* SPDX-License-Identifier: Apache-2.0 */
#include "checks/checks.h"
#include "cleanup/filtering_private.h"
#include "cleanup/log_lines.h"
#include "cleanup/recipients.h"
#include "cleanup/service.h"
#include "mail/address_list.h"
#include "mail/dsn.h"
#include "mail/xtext.h"

enum { ADDRESSES_MAXIMUM = 100, ENVID_MAXIMUM = 1000 };

/* ---- header ---- */

static void log_check(struct filtering *filtering, enum checks_action action, struct str field, struct str text)
{
    struct log_origin origin = filtering_origin(filtering);
    struct str word = arena_join(filtering->arena, STR("milter-header-"), str_from_c(checks_action_word(action)));

    log_inspection(filtering->message->queue_id, word.data, "header", field, &origin, text);
}

/* "Name: value" of REPLACE. */
static bool split_field(struct str text, struct content_edit_field *field_out)
{
    return str_cut(text, ':', &field_out->name, &field_out->value) && field_out->name.len > 0;
}

static void refuse(struct message *message, const struct checks_verdict *verdict)
{
    struct str text = verdict->text.len > 0 ? verdict->text : STR("message content rejected");

    message_fail(message, str_starts_with(verdict->dsn, STR("4")) ? CLEANUP_DEFERRED : CLEANUP_REJECTED, verdict->dsn,
                 text);
}

/* What milter_header_checks orders about a field that a milter adds; false: the field is not to be. */
static bool obey_check(struct filtering *filtering, const struct checks_verdict *verdict,
                       struct content_edit_field *field)
{
    struct message *message = filtering->message;

    switch (verdict->action) {
    case CHECKS_IGNORE:
    case CHECKS_STRIP:
        return false;
    case CHECKS_REPLACE:
        (void) split_field(verdict->text, field);
        return true;
    case CHECKS_REJECT:
        refuse(message, verdict);
        return false;
    case CHECKS_DISCARD:
        message->flags |= CLEANUP_FLAG_DISCARD;
        return false;
    case CHECKS_HOLD:
        message->envelope.flags |= ENVELOPE_HOLD;
        return true;
    case CHECKS_FILTER:
        message->envelope.content_filter = arena_str(message->arena, verdict->text);
        return true;
    case CHECKS_REDIRECT:
        message->redirect = arena_str(message->arena, verdict->text);
        filtering_keep_recipients(filtering);
        recipients_redirect(message);
        return true;
    case CHECKS_BCC:
        filtering_keep_recipients(filtering);
        recipients_add_late(message, verdict->text, STR_EMPTY, 0);
        return true;
    default:
        return true;
    }
}

static struct str check_text(const struct checks_verdict *verdict, struct arena *arena)
{
    if (verdict->action != CHECKS_REJECT)
        return verdict->text;
    return arena_printf(arena, "%.*s %.*s", STR_ARG(verdict->dsn),
                        STR_ARG(verdict->text.len > 0 ? verdict->text : STR("message content rejected")));
}

static bool may_be(struct filtering *filtering, struct content_edit_field *field)
{
    const struct checks *checks = filtering->message->service->milter_header_checks;
    struct arena *arena = filtering->arena;
    struct checks_verdict verdict;
    struct str whole;

    if (!checks_has_any(checks))
        return true;
    whole = arena_printf(arena, "%.*s:%.*s", STR_ARG(field->name), STR_ARG(field->value));
    verdict = checks_header(checks, CHECKS_HEADER, whole, arena);
    if (verdict.action == CHECKS_UNKNOWN) {
        log_checks_problem(filtering->message->queue_id, STR("milter_header_checks"), verdict.complaint);
        message_fail(filtering->message, CLEANUP_WRITE_ERROR, STR_EMPTY, STR_EMPTY);
        return false;
    }
    if (verdict.complaint.len > 0)
        log_bad_rule(verdict.complaint);
    if (verdict.action == CHECKS_NONE)
        return true;
    if (verdict.action != CHECKS_IGNORE)
        log_check(filtering, verdict.action, whole, check_text(&verdict, arena));
    return obey_check(filtering, &verdict, field);
}

static void change_header(struct filtering *filtering, const struct milter_change *change)
{
    struct content_edit_field field = { change->name, change->value };
    struct content_edit *edit = &filtering->edit;

    if (change->kind == MILTER_CHANGE_CHANGE_HEADER && change->value.len == 0) {
        content_edit_delete(edit, change->index, change->name);
        return;
    }
    if (field.value.len == 0)
        field.value = STR(" ");
    if (!may_be(filtering, &field))
        return;
    if (change->kind == MILTER_CHANGE_ADD_HEADER)
        content_edit_add(edit, field.name, field.value);
    else if (change->kind == MILTER_CHANGE_INSERT_HEADER)
        content_edit_insert(edit, change->index, field.name, field.value);
    else
        content_edit_change(edit, change->index, change->name, &field);
}

/* ---- envelope ---- */

/* The one address of what a milter wrote, in internal form, in the message's arena; false: there is none. */
static bool one_address(struct filtering *filtering, struct str written, struct str *address_out)
{
    struct message *message = filtering->message;
    struct address_list list;

    address_list_parse(&list, filtering->arena, written, ADDRESSES_MAXIMUM);
    *address_out = list.count > 0 ? arena_str(message->arena, list.items[0].address) : STR_EMPTY;
    return list.count == 1;
}

static void change_sender(struct filtering *filtering, const struct milter_change *change)
{
    struct message *message = filtering->message;
    struct str rest = change->arguments, word, sender;

    if (!one_address(filtering, change->address, &sender) && sender.len > 0)
        log_milter_many_senders(message->queue_id, change->address);
    message_set_sender(message, sender);
    while (str_next_word(&rest, " \t", &word)) {
        enum dsn_return what;
        struct strbuf envid;

        strbuf_init(&envid, ENVID_MAXIMUM);
        if (str_starts_with_nocase(word, STR("RET=")) && dsn_return_parse(str_from(word, 4), &what))
            message->envelope.dsn_return = what;
        else if (str_starts_with_nocase(word, STR("ENVID=")) && xtext_decode(&envid, str_from(word, 6)))
            message->envelope.dsn_envid = arena_str(message->arena, strbuf_str(&envid));
        else
            log_milter_bad_sender_argument(word);
        strbuf_done(&envid);
    }
}

static void take_argument(struct filtering *filtering, struct str word, struct str *orcpt, unsigned *notify)
{
    struct message *message = filtering->message;
    struct str type, address;

    if (str_starts_with_nocase(word, STR("NOTIFY="))) {
        if (*notify != 0 || !dsn_notify_parse(str_from(word, 7), notify))
            log_milter_bad_argument(message->queue_id, "NOTIFY", word);
    } else if (str_starts_with_nocase(word, STR("ORCPT="))) {
        if (orcpt->len > 0 || !dsn_orcpt_parse(filtering->arena, str_from(word, 6), &type, &address))
            log_milter_bad_argument(message->queue_id, "ORCPT", word);
        else
            *orcpt = arena_printf(filtering->arena, "%.*s;%.*s", STR_ARG(type), STR_ARG(address));
    } else {
        log_milter_ignored_argument(message->queue_id, word);
    }
}

static void add_recipient(struct filtering *filtering, const struct milter_change *change)
{
    struct str rest = change->arguments, word, address, orcpt = STR_EMPTY;
    unsigned notify = 0;

    filtering_keep_recipients(filtering);
    while (str_next_word(&rest, " \t", &word))
        take_argument(filtering, word, &orcpt, &notify);
    if (!one_address(filtering, change->address, &address) && address.len > 0)
        log_milter_many_recipients(filtering->message->queue_id, change->address);
    if (address.len == 0)
        log_milter_null_recipient(filtering->message->queue_id);
    else
        recipients_add_late(filtering->message, address, orcpt, notify);
}

static void delete_recipient(struct filtering *filtering, const struct milter_change *change)
{
    struct str address;

    filtering_keep_recipients(filtering);
    if (one_address(filtering, change->address, &address))
        recipients_delete(filtering->message, address);
}

/* ---- all ---- */

static void hold(struct filtering *filtering)
{
    const struct milter_verdict verdict = { .action = MILTER_HOLD };

    (void) filtering_obey(filtering, &verdict, "END-OF-MESSAGE", filtering->message->last_recipient);
}

static void change_body(struct filtering *filtering, const struct milter_change *change)
{
    struct failure why;

    if (!content_edit_add_body(&filtering->edit, change->bytes, &why))
        message_fail_writing(filtering->message, &why);
}

void filtering_change(struct filtering *filtering, const struct milter_change *change)
{
    switch (change->kind) {
    case MILTER_CHANGE_ADD_HEADER:
    case MILTER_CHANGE_INSERT_HEADER:
    case MILTER_CHANGE_CHANGE_HEADER:
        change_header(filtering, change);
        break;
    case MILTER_CHANGE_SENDER:
        change_sender(filtering, change);
        break;
    case MILTER_CHANGE_ADD_RECIPIENT:
        add_recipient(filtering, change);
        break;
    case MILTER_CHANGE_DELETE_RECIPIENT:
        delete_recipient(filtering, change);
        break;
    case MILTER_CHANGE_BODY:
        change_body(filtering, change);
        break;
    case MILTER_CHANGE_QUARANTINE:
        hold(filtering);
        break;
    case MILTER_CHANGE_NONE:
        break;
    }
}
