/* SPDX-License-Identifier: Apache-2.0 */
#include "pickup/submission.h"

#include "config/receive_override.h"
#include "log/log.h"
#include "mail/date.h"
#include "mail/verp.h"
#include "os/fd.h"
#include "os/file.h"
#include "pickup/log_lines.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"
#include "spool/maildrop_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 32 * 1024, STALE_SECONDS = 24 * 3600 };

struct submission {
    const struct submission_ways *ways;
    const char *path;
    struct arena *arena;
    struct maildrop_message message;
    int fd;
    uint64_t content_offset;
    uint64_t content_length;
    struct instant arrival;
    uid_t uid;
    bool is_requeued; /* by the owner of the queue: what it says of its origin is believed */
    struct str queue_id;
    const struct cleanup_result *result;
};

/* Only what postdrop has finished is looked at; what it left half-way is removed after a day. */
static bool is_ready(const char *path, struct stat *status)
{
    struct failure why;

    if (!file_stat_link(path, status, &why) || !S_ISREG(status->st_mode))
        return false;
    if (status->st_mode & S_IXUSR)
        return true;
    if (instant_seconds(clock_now()) - status->st_mtime > STALE_SECONDS && !file_unlink(path, &why))
        log_warning("%s", why.text);
    return false;
}

static void move_to_corrupt(const char *path)
{
    const char *name = strrchr(path, '/');
    struct strbuf text;
    struct failure why;

    strbuf_init(&text, 300);
    strbuf_printf(&text, "corrupt%s", name == NULL ? "/?" : name);
    if (!file_rename(path, strbuf_c(&text), &why))
        log_warning("%s", why.text);
    strbuf_done(&text);
}

static uint64_t cleanup_flags(const struct submission *submission)
{
    const struct maildrop_message *message = &submission->message;
    uint64_t flags = CLEANUP_FLAGS_EXTERNAL | CLEANUP_FLAG_INTERNAL | CLEANUP_FLAG_BOUNCE | CLEANUP_FLAG_MILTERS;

    if (submission->ways->overrides & RECEIVE_NO_ADDRESS_MAPPINGS)
        flags &= ~(uint64_t) (CLEANUP_FLAG_MAP_OK | CLEANUP_FLAG_BCC_OK);
    if (submission->ways->overrides & RECEIVE_NO_HEADER_BODY_CHECKS)
        flags &= ~(uint64_t) CLEANUP_FLAG_FILTER;
    /* Milters have seen what is requeued, and know nothing of where it came from now. */
    if ((submission->ways->overrides & RECEIVE_NO_MILTERS) || submission->is_requeued)
        flags &= ~(uint64_t) CLEANUP_FLAG_MILTERS;
    if (message->wants_extraction)
        flags |= CLEANUP_FLAG_EXTRACT;
    if (message->wants_smtputf8)
        flags |= CLEANUP_FLAG_SMTPUTF8;
    flags |= cleanup_autodetects(&submission->ways->shared->smtputf8_autodetect_classes, "sendmail");
    if (message->wants_verify_report)
        flags |= CLEANUP_FLAG_TRACE_VERIFY;
    if (message->wants_delivery_report)
        flags |= CLEANUP_FLAG_TRACE_RECORD;
    return flags;
}

static void set_local_origin(const struct submission *submission, struct cleanup_envelope *envelope)
{
    const struct maildrop_message *message = &submission->message;
    bool is_remote = str_equal(message->rewrite_context, STR("remote"));

    strlist_add_view(&envelope->attributes, submission->arena,
                     is_remote ? STR("rewrite_context=remote") : STR("rewrite_context=local"));
    if (verp_delimiters_are_good(message->verp_delimiters, submission->ways->shared->verp_delimiter_filter))
        strlist_add_view(&envelope->attributes, submission->arena,
                         arena_printf(submission->arena, VERP_ATTRIBUTE "=%.*s", STR_ARG(message->verp_delimiters)));
    strlist_add_view(&envelope->attributes, submission->arena, STR("log_message_origin=local"));
}

static bool send_envelope(struct submission *submission, struct call *call, struct failure *why)
{
    const struct maildrop_message *message = &submission->message;
    enum dsn_return what = DSN_RETURN_UNSET;
    struct cleanup_envelope envelope = {
        .arrival = submission->arrival,
        .sender = message->sender,
        .full_name = message->full_name,
        .envid = str_part(message->dsn_envid, 0, 100),
        .size = submission->content_length,
    };

    if (dsn_return_parse(message->dsn_return, &what))
        envelope.dsn_return = what;
    if (str_equal(message->encoding, STR("8bit")))
        envelope.encoding = BODY_ENCODING_8BIT;
    else if (str_equal(message->encoding, STR("7bit")))
        envelope.encoding = BODY_ENCODING_7BIT;
    if (submission->is_requeued)
        envelope.attributes = message->attributes;
    else
        set_local_origin(submission, &envelope);
    return call_send(call, &cleanup_envelope_message, &envelope, submission->ways->shared->ipc_timeout, why);
}

static bool send_recipients(struct submission *submission, struct call *call, struct failure *why)
{
    unsigned notify = 0;

    if (!dsn_notify_parse(submission->message.dsn_notify, &notify))
        notify = 0;
    for (size_t i = 0; i < submission->message.recipients.count; i++) {
        struct maildrop_recipient own = maildrop_recipient(&submission->message, i);
        struct cleanup_recipient recipient = {
            .address = own.address,
            .original = own.original,
            .dsn_orcpt = own.dsn_orcpt,
            .dsn_notify = own.dsn_notify != 0 ? own.dsn_notify : notify,
        };

        if (!call_send(call, &cleanup_recipient_message, &recipient, submission->ways->shared->ipc_timeout, why))
            return false;
    }
    return true;
}

static bool send_orders(const struct submission *submission, struct call *call, struct failure *why)
{
    const struct submission_ways *ways = submission->ways;
    const struct cleanup_orders orders = { .content_filter = ways->content_filter };

    return str_is_empty(ways->content_filter) ||
           call_send(call, &cleanup_orders_message, &orders, ways->shared->ipc_timeout, why);
}

static bool send_received(struct submission *submission, struct call *call, struct failure *why)
{
    const struct shared_settings *shared = submission->ways->shared;
    struct strbuf text;
    size_t count = 0;
    char first;
    bool is_sent;

    if (submission->content_length > 0 &&
        !file_read_at(submission->fd, submission->path, &first, sizeof(first), submission->content_offset, &count, why))
        return false;
    strbuf_init(&text, 4096);
    strbuf_printf(&text, "Received: by %.*s (%.*s, from userid %ld)\n\tid %.*s; ", STR_ARG(shared->myhostname),
                  STR_ARG(shared->mail_name), (long) submission->uid, STR_ARG(submission->queue_id));
    date_append(&text, submission->is_requeued ? clock_now() : submission->arrival);
    strbuf_append_char(&text, '\n');
    /* A line that goes on is text then, and must not become a part of ours. */
    if (count > 0 && (first == ' ' || first == '\t'))
        strbuf_append_char(&text, '\n');
    is_sent = cleanup_call_content(call, strbuf_str(&text), shared->ipc_timeout, why);
    strbuf_done(&text);
    return is_sent;
}

static bool send_content(struct submission *submission, struct call *call, struct failure *why)
{
    char *piece = arena_alloc(submission->arena, PIECE);
    uint64_t done = 0;

    while (done < submission->content_length && !call_has_input(call)) {
        uint64_t left = submission->content_length - done;
        size_t count;

        if (!file_read_at(submission->fd, submission->path, piece, left < PIECE ? (size_t) left : PIECE,
                          submission->content_offset + done, &count, why))
            return false;
        if (count == 0)
            return failure_set(why, FAILURE_PERMANENT, 0, "%s: the file became shorter", submission->path);
        if (!cleanup_call_content(call, str_make(piece, count), submission->ways->shared->ipc_timeout, why))
            return false;
        done += count;
    }
    return true;
}

static bool converse(struct submission *submission, struct failure *why)
{
    const struct submission_ways *ways = submission->ways;
    struct duration timeout = ways->shared->ipc_timeout;
    struct call *call;
    bool is_told;

    if (!cleanup_call_open(ways->cleanup, cleanup_flags(submission), submission->arena, timeout, &call,
                           &submission->queue_id, why))
        return false;
    log_picked_up(submission->queue_id, submission->uid, submission->message.sender,
                  submission->is_requeued ? submission->message.original_id : STR_EMPTY);
    log_flush_paced();
    is_told = send_envelope(submission, call, why) && send_orders(submission, call, why) &&
              send_recipients(submission, call, why) && send_received(submission, call, why) &&
              send_content(submission, call, why) &&
              cleanup_call_finish(call, submission->arena, timeout, &submission->result, why);
    call_end(&call);
    return is_told;
}

/* ---- what cleanup will never take goes back to its sender ---- */

static struct bounce_recipient make_bounced(const struct submission *submission, const struct cleanup_refusal *refusal)
{
    const struct cleanup_result *result = submission->result;

    return (struct bounce_recipient){
        .status = DELIVER_BOUNCED,
        .dsn = result->dsn.len > 0 ? result->dsn : str_from_c(refusal->dsn),
        .action = STR("failed"),
        .reason = result->reason.len > 0 ? result->reason : str_from_c(refusal->text),
    };
}

/* As cleanup understood them; of too many, or of none, what was submitted. */
static void set_bounce_recipients(struct submission *submission, const struct cleanup_refusal *refusal,
                                  struct bounce_request *request)
{
    const struct strlist *addresses = &submission->message.recipients;
    const struct records *returned = &submission->result->returned;
    const struct cleanup_returned *own = returned->items;
    size_t most = addresses->count > returned->count ? addresses->count : returned->count;
    struct bounce_recipient *recipients = arena_new_array(submission->arena, most + 1, struct bounce_recipient);

    for (size_t i = 0; i < most || i == 0; i++) {
        recipients[i] = make_bounced(submission, refusal);
        recipients[i].address = i < addresses->count ? addresses->items[i] : STR("unknown");
    }
    for (size_t i = 0; i < returned->count; i++) {
        recipients[i].address = own[i].address;
        recipients[i].original = own[i].original;
        recipients[i].dsn_orcpt = own[i].dsn_orcpt;
        recipients[i].dsn_notify = own[i].dsn_notify;
    }
    request->recipients = (struct records){ recipients, returned->count > 0 ? returned->count : most > 0 ? most : 1 };
}

static bool return_to_sender(struct submission *submission, const struct cleanup_refusal *refusal, struct failure *why)
{
    struct bounce_request request = {
        .kind = BOUNCE_FAILED,
        .queue_id = submission->queue_id,
        .sender = submission->result->sender,
        .envid = str_part(submission->message.dsn_envid, 0, 100),
        .arrival = submission->arrival,
        .size = submission->content_length,
        .content_fd = submission->fd,
        .content_offset = submission->content_offset,
    };
    const struct bounce_reply *reply;

    set_bounce_recipients(submission, refusal, &request);
    if (!bounce_ask(submission->ways->bounce, &request, submission->arena, submission->ways->shared->ipc_timeout,
                    &reply, why))
        return false;
    return reply->is_done || failure_set(why, FAILURE_RETRY, 0, "%.*s", STR_ARG(reply->reason));
}

/* ---- one file ---- */

static enum submission_result finish(struct submission *submission)
{
    const struct cleanup_result *result = submission->result;
    const struct cleanup_refusal *refusal = cleanup_refusal_find(result->status, result->dsn);
    struct failure why;

    if (result->status != CLEANUP_OK) {
        if (refusal == NULL) {
            log_not_queued(submission->path, result->reason.len > 0 ? result->reason : STR("try again later"));
            return SUBMISSION_LATER;
        }
        if (!return_to_sender(submission, refusal, &why)) {
            log_not_queued(submission->path, str_from_c(why.text));
            return SUBMISSION_LATER;
        }
    }
    if (!file_unlink(submission->path, &why)) {
        log_warning("%s", why.text);
        return SUBMISSION_LATER;
    }
    return SUBMISSION_DONE;
}

static enum submission_result take_open_file(struct submission *submission)
{
    struct failure why;

    if (!converse(submission, &why)) {
        log_not_queued(submission->path, str_from_c(why.text));
        return SUBMISSION_LATER;
    }
    return finish(submission);
}

enum submission_result submission_take(const struct submission_ways *ways, const char *path)
{
    struct submission submission = { .ways = ways, .path = path, .fd = -1 };
    enum submission_result result;
    struct failure why;
    struct stat status;

    if (!is_ready(path, &status))
        return SUBMISSION_SKIPPED;
    submission.arena = arena_create();
    submission.uid = status.st_uid;
    submission.arrival = (struct instant){ status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000 };
    if (maildrop_open(path, submission.arena, &submission.message, &submission.fd, &submission.content_offset,
                      &submission.content_length, &why)) {
        submission.is_requeued = status.st_uid == geteuid() && !str_is_empty(submission.message.original_id);
        if (submission.is_requeued)
            submission.arrival = submission.message.original_arrival;
        result = take_open_file(&submission);
    } else {
        log_warning("%s", why.text);
        result = why.kind == FAILURE_PERMANENT ? SUBMISSION_DONE : SUBMISSION_LATER;
        if (why.kind == FAILURE_PERMANENT)
            move_to_corrupt(path);
    }
    fd_close(&submission.fd);
    arena_destroy(&submission.arena);
    return result;
}
