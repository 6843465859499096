/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_ADDRESS_LIST_H
#define MAIL_ADDRESS_LIST_H

#include "base/arena.h"
#include "base/str.h"
#include "base/strbuf.h"

/*
 * address_list - the mailboxes of a From, To, Cc, ... header (RFC 5322 section 3.4, with the
 * obsolete forms of 4.4), kept with their place in the text, so that rewriting one address leaves every
 * other byte (names, comments, folding) as the sender wrote it.
 *
 * Any text parses: what is no address is skipped and counted. Views live as long as text and arena.
 */
struct address_list_item {
    struct str address;     /* internal form, route dropped; "" for <> */
    struct str phrase;      /* decoded display name or, without one, the comment; may be empty */
    struct str source;      /* the part of the text that stands for the address, route included; view */
    struct str group;       /* name of the group it is in, else empty */
    bool has_brackets;      /* it was in < > */
    bool is_plain;          /* no words side by side, no stray punctuation, closed brackets */
    bool has_comment;       /* a comment stands in it or beside it */
    bool lacks_comma;       /* the one before it ended without one: "a@b c@d" */
    struct str replacement; /* set by the caller: new internal form; data NULL keeps the source */
};

struct address_list {
    struct str text;
    struct address_list_item *items;
    size_t count;
    size_t group_count; /* groups, also those without members (undisclosed-recipients:;) */
    size_t junk_count;  /* pieces that are no address */
    bool is_truncated;  /* more than max_items */
};

/* Parses at most max_items mailboxes of an unfolded or folded header value. */
void address_list_parse(struct address_list *list, struct arena *arena, struct str text, size_t max_items);

/* Appends the text with each replacement in the place of its source, quoted as needed, and with the commas it lacks. */
bool address_list_unparse(const struct address_list *list, struct strbuf *out);

/* The single address of text ("Name <a@b>", "a@b (Name)", "a@b"); false if there is not exactly one. */
bool address_list_single(struct arena *arena, struct str text, struct str *address_out);

#endif
