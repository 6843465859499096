/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_MESSAGE_H
#define CLEANUP_MESSAGE_H

#include "cleanup/mapping.h"
#include "cleanup/strange_characters.h"
#include "protocol/cleanup.h"
#include "spool/journal_writer.h"

struct filtering;
struct map;
struct mime_parser;
struct service;

/*
 * message - one message on its way into the queue, from envelope to durable.
 *
 * The first trouble is kept as status and reason, and what comes after it is thrown away. Content is in memory up to
 * spool_inline_limit and in a queue file beyond it. All memory is the arena's but the buffers'. Every call may wait
 * (tables, trivial-rewrite, disk), so it is made in the fiber of the message.
 */
struct pending_recipient {
    struct str address;
    struct str original;
    struct str dsn_orcpt;
    unsigned dsn_notify;
    bool is_copy; /* bcc: nobody asked for it, its original is what it is mapped to, and it makes no copies again */
};

/* The words for what will be refused at the end of the message; empty dsn: it will not. */
struct late_refusal {
    struct str dsn;
    struct str reason;
};

struct message {
    struct service *service;
    struct arena *arena;   /* the message */
    struct arena *scratch; /* one header field, or one batch of recipients */
    unsigned flags;        /* enum cleanup_flag */
    struct queue_id id;
    struct str queue_id;
    struct envelope envelope;
    struct str full_name;
    struct str redirect;   /* instead of all recipients; empty: none */
    struct strlist copies; /* recipients that a table of the client's adds */
    bool has_envelope;
    bool rewrites_headers; /* the client may have its headers rewritten and completed */
    bool has_local_context;

    enum cleanup_status status;
    struct str dsn;
    struct str reason;

    struct mime_parser *mime;          /* NULL before the content */
    struct strange_characters strange; /* message_reject_characters and _strip_characters */
    struct late_refusal late;
    unsigned findings; /* enum mime_finding, each of which refuses it */
    struct {
        struct str redirect; /* what checks order comes after what the client orders */
        struct str content_filter;
    } inspected;
    struct filtering *filtering; /* milters; NULL: none (yet) */
    struct str reply;            /* a milter's words for the client; empty: none */
    bool is_edited;              /* milters have changed the content: it may have grown beyond message_size_limit */
    bool passes_milters;         /* a rule said so: no filter sees it */
    struct str last_recipient;   /* as canonical tables left it, for the log */
    bool is_in_body;
    uint64_t headers_seen; /* bit 1 << enum header_type */
    bool is_resent;
    struct strlist extracted; /* addresses in standard form, and as they stood */
    struct strlist extracted_original;
    struct strlist extracted_resent;
    struct strlist extracted_resent_original;

    struct strbuf content; /* what no file holds yet */
    struct journal_file *file;
    uint64_t content_bytes;
    uint64_t header_bytes; /* of them: the header, without the empty line behind it */
    bool has_8bit;
    bool declares_8bit; /* some Content-Transfer-Encoding, its own or a part's, is 8bit or binary */
    bool has_utf8_header;

    struct pending_recipient *pending;
    size_t pending_count;
    size_t pending_capacity;
    struct str first_key; /* of the first recipient; all keys are in duplicates once there are two */
    struct map *duplicates;
};

void message_init(struct message *message, struct service *service, struct arena *arena, unsigned flags);
/* Removes what was not finished. */
void message_done(struct message *message);

/* Trouble with the disk: logged, and the message is not taken. */
void message_fail_writing(struct message *message, const struct failure *why);
/* Keeps the first trouble; the text is copied. */
void message_fail(struct message *message, enum cleanup_status status, struct str dsn, struct str reason);
static inline bool message_is_good(const struct message *message)
{
    return message->status == CLEANUP_OK;
}

/* Takes an id from the journal; false when no mail can be taken now, with status and reason set. */
bool message_begin(struct message *message);
void message_set_envelope(struct message *message, const struct cleanup_envelope *envelope);
void message_take_orders(struct message *message, const struct cleanup_orders *orders);
void message_add_content(struct message *message, struct str bytes);
/* Header, body and recipients are complete: makes it durable. */
void message_finish(struct message *message);

/* The envelope's sender, as a client would have given it: completed and mapped. */
void message_set_sender(struct message *message, struct str sender);
/* All content that does not fit into memory is in the file. False: it could not be written, and the message failed. */
MUST_USE bool message_gather_content(struct message *message);
/* Milters have changed the content, and all of it is written anew, with message_write. */
void message_write_anew(struct message *message);
/* For headers: appends to the queued content. */
void message_write(struct message *message, struct str bytes);
struct mapping_context message_mapping_context(const struct message *message, struct arena *arena);
/* Something could not be asked now. The words are Postfix's, whose clients know them. */
void message_defer(struct message *message);
/* What a mapping that was not done does to the message. */
void message_fail_mapping(struct message *message, enum mapping_result result);

#endif
