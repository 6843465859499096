/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_MAPPING_H
#define CLEANUP_MAPPING_H

#include "base/arena.h"
#include "base/strlist.h"
#include "cleanup/settings.h"
#include "config/shared_settings.h"

struct main_cf;
struct rewriter;
struct table_set;

/*
 * mapping - canonical addresses, masquerading and virtual aliases: what an address becomes on its way in.
 *
 * Addresses are in internal form and in standard form already. A table that cannot answer gives MAPPING_UNKNOWN,
 * which is logged here and makes the message wait; nothing is ever guessed.
 */
enum mapping_result {
    MAPPING_DONE,
    MAPPING_UNKNOWN,      /* a lookup could not be made: try the whole message later */
    MAPPING_UNREASONABLE, /* an alias that grows without bounds: "Alias expansion error" */
};

enum mapping_class {
    MAPPING_ENVELOPE_SENDER = 1 << 0,
    MAPPING_ENVELOPE_RECIPIENT = 1 << 1,
    MAPPING_HEADER_SENDER = 1 << 2,
    MAPPING_HEADER_RECIPIENT = 1 << 3,
};

/* Which message asks, for the log, and where results live. */
struct mapping_context {
    struct str queue_id;
    struct arena *arena;
};

struct mapping;

/* Opens the tables; belongs to the set's lifetime. rewriter may be set later. */
struct mapping *mapping_create(struct table_set *set, const struct cleanup_settings *settings,
                               const struct shared_settings *shared, const struct main_cf *cf, struct arena *arena,
                               struct failure *why);
void mapping_set_rewriter(struct mapping *mapping, struct rewriter *rewriter);

/* Canonical maps, then masquerading, as far as they apply to the class. */
MUST_USE enum mapping_result mapping_canonical(struct mapping *mapping, const struct mapping_context *context,
                                               enum mapping_class class, struct str *address);
/* Whether any of that could change an address of the class. */
bool mapping_has_canonical(const struct mapping *mapping, enum mapping_class class);

/* The addresses that a recipient stands for; itself alone when there is no alias. */
MUST_USE enum mapping_result mapping_virtual(struct mapping *mapping, const struct mapping_context *context,
                                             struct str address, struct strlist *addresses_out);

/* The blind copy that sender_bcc_maps or recipient_bcc_maps ask for; empty if none. */
MUST_USE enum mapping_result mapping_bcc(struct mapping *mapping, const struct mapping_context *context, bool is_sender,
                                         struct str address, struct str *copy_out);

#endif
