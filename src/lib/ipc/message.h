/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "base/strlist.h"

/*
 * message - plain structs on the wire, by a table of their fields.
 *
 * A message is a struct; beside it stands one table of rows (name, type, place, maximum, meaning).
 * Encoding, validation, debug printing and the reference page come from the table. Nothing is taken
 * from a peer that the table does not allow, and no memory before its size was checked.
 * A decoded message, with all it points to, lives in the arena it was decoded into; descriptors
 * belong to whoever received it.
 */
enum message_field_type {
    FIELD_BOOL,    /* bool */
    FIELD_UINT,    /* uint64_t; maximum is the largest value */
    FIELD_INT,     /* int64_t; maximum is the largest magnitude */
    FIELD_TIME,    /* struct instant */
    FIELD_STR,     /* struct str; maximum bytes; any bytes may be in it */
    FIELD_SECRET,  /* as FIELD_STR, and never shown */
    FIELD_STRLIST, /* struct strlist; maximum is that of all bytes together; each item also counts 8 */
    FIELD_RECORDS, /* struct records of the type in record; maximum is their number */
    FIELD_FD,      /* int, -1 for none; passed with the message, at most one a message */
};

/* Items of one message type, one behind the other. */
struct records {
    void *items;
    size_t count;
};

struct message_type;

struct message_field {
    const char *name;
    enum message_field_type type;
    size_t offset;
    uint64_t maximum;
    const struct message_type *record;
    const char *meaning;
};

struct message_type {
    const char *name;
    size_t size;
    const struct message_field *fields;
    size_t field_count;
};

/* Rows: MESSAGE_FIELD(struct anvil_connect, client, FIELD_STR, 100, "name:address of the client"). */
#define MESSAGE_FIELD(type, member, kind, max, meaning)                                                                \
    {                                                                                                                  \
#member, (kind), offsetof(type, member), (max), NULL, (meaning)                                                \
    }
#define MESSAGE_RECORDS(type, member, record_type, max, meaning)                                                       \
    {                                                                                                                  \
#member, FIELD_RECORDS, offsetof(type, member), (max), (record_type), (meaning)                                \
    }
/* Defines the message type NAME_message for struct NAME from the array NAME_fields. */
#define MESSAGE_TYPE(name)                                                                                             \
    const struct message_type name##_message = { #name, sizeof(struct name), name##_fields, ARRAY_COUNT(name##_fields) }

/* Appends the encoded fields. *fd_out is the descriptor to pass along or -1; it stays the caller's. */
MUST_USE bool message_encode(const struct message_type *type, const void *message, struct strbuf *out, int *fd_out,
                             struct failure *why);

/* All of bytes must be one message. fd (or -1) becomes the message's on success and stays the caller's on failure. */
MUST_USE bool message_decode(const struct message_type *type, struct str bytes, int fd, struct arena *arena,
                             void **message_out, struct failure *why);

/* One line "name field=value ..." for debugging; long strings are cut. */
void message_print(const struct message_type *type, const void *message, struct strbuf *out);

#endif
