/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_SHOWQ_H
#define PROTOCOL_SHOWQ_H

#include "base/strbuf.h"

/*
 * showq - the queue listing as it comes from public/showq: Postfix's attribute stream, because monitoring reads it.
 *
 * Names and values end with NUL each; an empty name ends a message's list, an empty list ends the listing:
 *     protocol mail_queue_list_protocol ""
 *     queue_name queue_id time size forced_expire sender, then (recipient reason) for each recipient, ""
 *     ""
 * Addresses are in external form; the null sender is $empty_address_recipient.
 */
struct showq_message {
    struct str queue_name;
    struct str queue_id;
    int64_t arrival_seconds;
    uint64_t size;
    bool is_forced_expire;
    struct str sender;
};

struct showq_recipient {
    struct str address;
    struct str reason; /* empty: not tried yet */
};

/* Writing: greeting, then for each message its head, its recipients and its end, then the end of all. */
void showq_append_greeting(struct strbuf *out);
void showq_append_message(struct strbuf *out, const struct showq_message *message);
void showq_append_recipient(struct strbuf *out, const struct showq_recipient *recipient);
void showq_append_message_end(struct strbuf *out);
void showq_append_end(struct strbuf *out);

/* Reading: what is found is told in order. Texts are gone when the call returns. */
struct showq_sink {
    void (*message)(void *context, const struct showq_message *message);
    void (*recipient)(void *context, const struct showq_recipient *recipient);
    void (*message_end)(void *context);
    void *context;
};

enum { SHOWQ_VALUE_MAXIMUM = 64 * 1024 };

struct showq_reader {
    struct showq_sink sink;
    struct strbuf pending; /* what has come and is no whole attribute yet */
    struct showq_message message;
    struct strbuf head; /* the texts of message */
    struct strbuf address;
    struct strbuf reason;
    bool has_greeting;
    bool has_message; /* told to the sink */
    bool has_head;    /* some attribute of a message has come */
    bool has_address;
    bool is_complete;
};

void showq_reader_init(struct showq_reader *reader, const struct showq_sink *sink);
void showq_reader_done(struct showq_reader *reader);
/* Takes bytes as they come. False: this is no listing. */
MUST_USE bool showq_reader_take(struct showq_reader *reader, struct str bytes);
/* Whether the listing came to its end; without it, it was cut off. */
bool showq_reader_is_complete(const struct showq_reader *reader);

#endif
