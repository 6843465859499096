/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual/recipient.h"

#include "mailbox/mailbox_file.h"
#include "mailbox/maildir.h"
#include "virtual/log_lines.h"
#include "virtual/mailbox_lookup.h"

#include <errno.h>
#include <stdarg.h>

enum { TEXT_MAX = 2000 };

/* One recipient of a request. */
struct addressee {
    struct virtual *virtual;
    struct delivery *delivery;
    size_t number;
    struct str address;
};

/* The class of the status decides which of the three it is. */
PRINTF_LIKE(3, 4)
static void report(const struct addressee *addressee, struct dsn_status status, const char *format, ...)
{
    struct delivery_report report = { .dsn = status, .relay = STR("virtual") };
    struct strbuf text;
    va_list args;

    strbuf_init(&text, TEXT_MAX);
    va_start(args, format);
    strbuf_vprintf(&text, format, args);
    va_end(args);
    report.text = strbuf_str(&text);
    if (status.class == 2)
        delivery_sent(addressee->delivery, addressee->number, &report);
    else if (status.class == 4)
        delivery_deferred(addressee->delivery, addressee->number, &report);
    else
        delivery_bounced(addressee->delivery, addressee->number, &report);
    strbuf_done(&text);
}

static struct message_envelope envelope_of(const struct addressee *addressee)
{
    const struct deliver_request *request = addressee->delivery->request;
    struct str original = addressee->delivery->recipients[addressee->number].original;

    if (!addressee->virtual->settings->enable_original_recipient)
        original = STR_EMPTY;
    else if (str_is_empty(original))
        original = addressee->address;
    return (struct message_envelope){
        .loop = addressee->virtual->loop,
        .arena = addressee->delivery->arena,
        .request = request,
        .sender = request->sender,
        .original = original,
        .delivered_to = addressee->address,
    };
}

static void deliver_to_maildir(const struct addressee *addressee, const struct mailbox_place *place)
{
    struct message_envelope envelope = envelope_of(addressee);
    struct failure why;

    if (maildir_deliver(&addressee->virtual->mailboxes, &envelope, place, true, &why)) {
        report(addressee, DSN_STATUS(2, 0, 0), "delivered to maildir");
        return;
    }
    if (why.error == EACCES)
        virtual_log_maildir_access(&place->owner, why.text);
    report(addressee, mailbox_status_of_failure(&why), "maildir delivery failed: %s", why.text);
}

static void deliver_to_mailbox(const struct addressee *addressee, const struct mailbox_place *place)
{
    struct message_envelope envelope = envelope_of(addressee);
    struct failure why;
    uint64_t start;

    if (mailbox_file_deliver(&addressee->virtual->mailboxes, &envelope, place, true, &start, &why))
        report(addressee, DSN_STATUS(2, 0, 0), "delivered to mailbox");
    else
        report(addressee, mailbox_status_of_failure(&why), "delivery failed to mailbox %.*s: %s", STR_ARG(place->path),
               why.text);
}

static bool is_trial(const struct addressee *addressee)
{
    return (addressee->delivery->request->flags & DELIVER_FLAG_VERIFY) != 0;
}

static void deliver_to_place(const struct addressee *addressee, const struct mailbox_place *place)
{
    struct failure why;

    if (!rights_check(&place->owner, &why))
        report(addressee, DSN_STATUS(4, 3, 0), "%s", why.text);
    else if (is_trial(addressee))
        report(addressee, DSN_STATUS(2, 0, 0), "delivers to %s",
               str_ends_with(place->path, STR("/")) ? "maildir" : "mailbox");
    else if (str_ends_with(place->path, STR("/")))
        deliver_to_maildir(addressee, place);
    else
        deliver_to_mailbox(addressee, place);
}

void recipient_deliver(struct virtual *virtual, struct delivery *delivery, size_t recipient)
{
    struct addressee addressee = { virtual, delivery, recipient, delivery->recipients[recipient].address };
    struct mailbox_place place;

    switch (mailbox_lookup(virtual, addressee.address, delivery->arena, &place)) {
    case MAILBOX_FOUND:
        deliver_to_place(&addressee, &place);
        break;
    case MAILBOX_ABSENT:
        report(&addressee, DSN_STATUS(5, 1, 1), "unknown user: \"%.*s\"", STR_ARG(addressee.address));
        break;
    case MAILBOX_UNKNOWN:
        report(&addressee, DSN_STATUS(4, 3, 5), "mail system configuration error");
        break;
    }
}
