/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_ENTRIES_EDIT_H
#define POSTCONF_ENTRIES_EDIT_H

#include "base/strbuf.h"
#include "postconf/fields.h"

/*
 * entries_edit - changes fields and -o parameters of master.cf's entries (-F, -P) in its text. An entry that is meant
 * is written anew as -Mf shows it, the comments between its lines before it; all else stays byte for byte.
 */
enum entry_change {
    ENTRY_SET_FIELD,
    ENTRY_SET_PARAMETER,
    ENTRY_REMOVE_PARAMETER,
};

struct entry_edit {
    enum entry_change change;
    struct service_part part;
    struct str value;
    unsigned matches; /* set: how many entries it met */
};

/* Appends the new text. Entries for which is_hidden says yes (another file outranks them) stay; it may be NULL. */
MUST_USE bool entries_edit(struct str text, struct str file, struct entry_edit *edits, size_t count,
                           bool (*is_hidden)(void *context, const struct service_entry *entry), void *context,
                           struct strbuf *out, struct arena *arena, struct failure *why);

#endif
