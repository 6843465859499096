/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/notifier.h"

#include "bounce/log_lines.h"
#include "bounce/original.h"
#include "bounce/report.h"
#include "bounce/templates.h"
#include "mail/verp.h"
#include "protocol/cleanup.h"

enum { IDS_MAXIMUM = 100 }; /* told in a reply */

struct notice {
    const struct notifier *notifier;
    const struct bounce_request *request;
    struct arena *arena;
    const char *what; /* for the log: "sender non-delivery" */
    enum report_audience audience;
    struct str sender;
    struct str recipient;
    bool is_header_only;
};

/* ---- one message into the queue ---- */

static bool send_envelope(const struct notice *notice, struct call *call, struct instant now, struct failure *why)
{
    struct duration timeout = notice->notifier->shared->ipc_timeout;
    struct cleanup_envelope envelope = {
        .arrival = now,
        .sender = notice->sender,
        .encoding = BODY_ENCODING_8BIT,
    };
    struct cleanup_recipient recipient = {
        .address = notice->recipient,
    };

    strlist_add_view(&envelope.attributes, notice->arena, STR("rewrite_context=local"));
    strlist_add_view(&envelope.attributes, notice->arena, STR("log_message_origin=local"));
    return call_send(call, &cleanup_envelope_message, &envelope, timeout, why) &&
           call_send(call, &cleanup_recipient_message, &recipient, timeout, why);
}

static bool send_original(const struct notice *notice, struct call *call, struct failure *why)
{
    struct duration timeout = notice->notifier->shared->ipc_timeout;
    struct original original;
    struct str piece;

    original_init(&original, notice->request, notice->is_header_only, notice->arena);
    do {
        if (!original_read(&original, &piece, why) || !cleanup_call_content(call, piece, timeout, why))
            return false;
    } while (!original.is_ended);
    return original.is_at_line_start || cleanup_call_content(call, STR("\n"), timeout, why);
}

static bool send_content(const struct notice *notice, struct call *call, struct str queue_id, struct instant now,
                         struct failure *why)
{
    struct duration timeout = notice->notifier->shared->ipc_timeout;
    struct report report = {
        .request = notice->request,
        .settings = notice->notifier->settings,
        .shared = notice->notifier->shared,
        .templates = &notice->notifier->templates->set,
        .audience = notice->audience,
        .recipient = notice->recipient,
        .queue_id = queue_id,
        .now = now,
        .is_header_only = notice->is_header_only,
    };
    struct strbuf text;
    bool is_sent;

    if (notice->audience == REPORT_TO_SENDER)
        templates_tell_oddities(notice->notifier->templates, report_template(&report));
    strbuf_init(&text, STRBUF_UNLIMITED);
    report_write_head(&report, &text);
    is_sent = cleanup_call_content(call, strbuf_str(&text), timeout, why) && send_original(notice, call, why);
    strbuf_clear(&text);
    report_write_tail(&report, &text);
    is_sent = is_sent && cleanup_call_content(call, strbuf_str(&text), timeout, why);
    strbuf_done(&text);
    return is_sent;
}

static bool queue_notice(const struct notice *notice, struct str *queue_id_out, struct failure *why)
{
    struct duration timeout = notice->notifier->shared->ipc_timeout;
    uint64_t flags = CLEANUP_FLAG_INTERNAL | CLEANUP_FLAG_MAP_OK;
    const struct cleanup_result *result;
    struct instant now = clock_now();
    struct call *call;
    bool is_told;

    if (notice->request->is_smtputf8)
        flags |= CLEANUP_FLAG_SMTPUTF8;
    flags |= cleanup_autodetects(&notice->notifier->shared->smtputf8_autodetect_classes, "bounce");
    flags |= cleanup_filters(&notice->notifier->shared->internal_mail_filter_classes, "bounce");
    if (!cleanup_call_open(notice->notifier->cleanup, flags, notice->arena, timeout, &call, queue_id_out, why))
        return false;
    is_told = send_envelope(notice, call, now, why) && send_content(notice, call, *queue_id_out, now, why) &&
              cleanup_call_finish(call, notice->arena, timeout, &result, why);
    call_end(&call);
    if (is_told && result->status != CLEANUP_OK)
        return failure_set(why, FAILURE_RETRY, 0, "cleanup refused it (%u) %.*s", (unsigned) result->status,
                           STR_ARG(result->reason));
    return is_told;
}

static bool give_notice(const struct notice *notice, struct bounce_reply *reply)
{
    struct str queue_id;
    struct failure why;

    if (!queue_notice(notice, &queue_id, &why)) {
        log_not_notified(notice->request->queue_id, notice->what, why.text);
        reply->is_done = false;
        reply->reason = arena_str(notice->arena, str_from_c(why.text));
        return false;
    }
    log_notification(notice->request->queue_id, notice->what, queue_id);
    if (reply->notification_ids.count < IDS_MAXIMUM)
        strlist_add_view(&reply->notification_ids, notice->arena, queue_id);
    return true;
}

/* ---- who is told what ---- */

static bool is_anybody_interested(const struct bounce_request *request)
{
    const struct bounce_recipient *recipients = request->recipients.items;

    for (size_t i = 0; i < request->recipients.count; i++)
        if (report_is_wanted(request, &recipients[i]))
            return true;
    return false;
}

static struct str double_bounce_address(const struct notifier *notifier, struct arena *arena)
{
    return arena_printf(arena, "%.*s@%.*s", STR_ARG(notifier->shared->double_bounce_sender),
                        STR_ARG(notifier->shared->myhostname));
}

static bool has_class(const struct notifier *notifier, struct str name)
{
    return strlist_contains_nocase(&notifier->settings->notify_classes, name);
}

static bool is_large(const struct notifier *notifier, const struct bounce_request *request)
{
    return request->size > (uint64_t) notifier->settings->bounce_size_limit;
}

/* What the postmaster gets of this, if the configuration wants it. */
static bool find_postmaster(const struct notifier *notifier, const struct bounce_request *request, bool is_double,
                            struct notice *notice)
{
    const struct bounce_settings *settings = notifier->settings;

    notice->audience = REPORT_TO_POSTMASTER;
    notice->is_header_only = !is_double || is_large(notifier, request);
    notice->what = "postmaster non-delivery";
    if (request->kind == BOUNCE_FAILED && is_double) {
        notice->recipient = settings->double_bounce_notice_recipient;
        /* "bounce (also implies 2bounce)", postconf(5). */
        return has_class(notifier, STR("2bounce")) || has_class(notifier, STR("bounce"));
    }
    if (request->kind == BOUNCE_FAILED) {
        notice->recipient = settings->bounce_notice_recipient;
        return has_class(notifier, STR("bounce"));
    }
    notice->what = "postmaster delay";
    notice->recipient = settings->delay_notice_recipient;
    return request->kind == BOUNCE_DELAYED && has_class(notifier, STR("delay"));
}

static void set_sender_notice(const struct notifier *notifier, const struct bounce_request *request,
                              struct notice *notice)
{
    static const char *const words[] = {
        [BOUNCE_FAILED] = "sender non-delivery",
        [BOUNCE_DELAYED] = "sender delay",
        [BOUNCE_SUCCESS] = "sender delivery status",
        [BOUNCE_TRACE] = "sender delivery status",
    };

    notice->what = words[request->kind];
    notice->audience = REPORT_TO_SENDER;
    notice->recipient = request->sender;
    notice->sender = STR_EMPTY;
    notice->is_header_only =
        request->kind != BOUNCE_FAILED || request->dsn_return == DSN_RETURN_HEADERS || is_large(notifier, request);
}

/* Mail with the null sender has a success, too, and the postmaster may want to know. */
static void tell_of_success_to_nobody(const struct notifier *notifier, const struct bounce_request *request,
                                      struct notice *notice, struct bounce_reply *reply)
{
    if (!has_class(notifier, STR("2bounce"))) {
        log_not_reported(request->queue_id, "single");
        return;
    }
    set_sender_notice(notifier, request, notice);
    notice->recipient = notifier->settings->double_bounce_notice_recipient;
    notice->sender = double_bounce_address(notifier, notice->arena);
    (void) !give_notice(notice, reply);
}

/* The two delimiters of mail whose recipients each have a sender of their own; empty: of other mail. */
static struct str verp_delimiters(const struct notifier *notifier, const struct bounce_request *request)
{
    struct str delimiters = deliver_attribute(&request->attributes, STR(VERP_ATTRIBUTE));

    if (delimiters.len != 2 || request->kind != BOUNCE_FAILED || notifier->settings->disable_verp_bounces)
        return STR_EMPTY;
    return delimiters;
}

/* One report to this address, and the postmaster's copy of it. */
static bool tell(const struct notifier *notifier, const struct bounce_request *request, struct str address,
                 struct arena *arena, struct bounce_reply *reply)
{
    struct notice notice = { .notifier = notifier, .request = request, .arena = arena };
    bool is_double = address.len == 0;

    if (!is_double && is_anybody_interested(request)) {
        set_sender_notice(notifier, request, &notice);
        notice.recipient = address;
        if (!give_notice(&notice, reply))
            return false;
    }
    notice.sender = double_bounce_address(notifier, arena);
    /* The sender has been told: a copy that fails must not tell him again. */
    if (find_postmaster(notifier, request, is_double, &notice) && !give_notice(&notice, reply) && !is_double)
        *reply = (struct bounce_reply){ .is_done = true, .notification_ids = reply->notification_ids };
    return reply->is_done;
}

/* Each recipient's copy had a sender of its own. */
static void tell_of_each(const struct notifier *notifier, const struct bounce_request *all, struct str delimiters,
                         struct arena *arena, struct bounce_reply *reply)
{
    struct bounce_recipient *recipients = all->recipients.items;
    bool is_told = true;

    for (size_t i = 0; i < all->recipients.count && is_told; i++) {
        struct bounce_request request = *all;
        struct strbuf sender;

        strbuf_init(&sender, STRBUF_UNLIMITED);
        verp_append_sender(&sender, all->sender, delimiters,
                           str_is_empty(recipients[i].original) ? recipients[i].address : recipients[i].original);
        request.recipients = (struct records){ &recipients[i], 1 };
        is_told = tell(notifier, &request, strbuf_str(&sender), arena, reply);
        strbuf_done(&sender);
    }
}

static bool tells_success(const struct bounce_request *request)
{
    return request->kind == BOUNCE_SUCCESS || request->kind == BOUNCE_TRACE;
}

void notifier_run(const struct notifier *notifier, const struct bounce_request *request, struct arena *arena,
                  struct bounce_reply *reply)
{
    struct notice notice = { .notifier = notifier, .request = request, .arena = arena };
    struct str double_bounce = double_bounce_address(notifier, arena);
    struct str delimiters = verp_delimiters(notifier, request);
    bool is_double = request->sender.len == 0;

    *reply = (struct bounce_reply){ .is_done = true };
    if (request->owner.len > 0) {
        (void) !tell(notifier, request, request->owner, arena, reply);
        return;
    }
    if (str_equal_nocase(request->sender, double_bounce)) {
        if (tells_success(request))
            log_not_reported(request->queue_id, "double");
        else
            log_discarded(request->queue_id);
        return;
    }
    if (is_double && tells_success(request)) {
        tell_of_success_to_nobody(notifier, request, &notice, reply);
        return;
    }
    if (!is_double && delimiters.len > 0)
        tell_of_each(notifier, request, delimiters, arena, reply);
    else
        (void) !tell(notifier, request, request->sender, arena, reply);
}
