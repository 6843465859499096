/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/changes.h"

#include "mail/casefold.h"
#include "table/table_writer.h"

enum { NEW_FILE_MODE = 0644 };

/* Ends the writer in any case. */
static bool write_change(struct table_writer **writer, const struct proxymap_change *change, struct str key,
                         bool *is_made_out, struct failure *why)
{
    bool is_duplicate;

    *is_made_out = true;
    if (change->is_removal ? table_writer_remove(*writer, key, is_made_out, why)
                           : table_writer_put(*writer, key, change->value, true, &is_duplicate, why)) {
        if (*is_made_out)
            return table_writer_commit(writer, why);
        table_writer_abort(writer);
        return true;
    }
    table_writer_abort(writer);
    return false;
}

enum proxymap_status changes_make(const struct proxymap_tables *tables, const struct proxymap_change *change,
                                  struct arena *arena, struct str *reason_out)
{
    struct table_writer_options options = { .mode = NEW_FILE_MODE };
    struct str key = (change->flags & TABLE_FOLD) != 0 ? casefold(arena, change->key) : change->key;
    struct table_writer *writer;
    struct failure why;
    struct str type;
    struct str path;
    bool is_made;

    if (!proxymap_tables_allow(tables, change->table))
        return PROXYMAP_DENIED;
    (void) str_cut(change->table, ':', &type, &path);
    if (table_writer_open(type, path, change->is_removal ? TABLE_CHANGE : TABLE_EXTEND, &options, &writer, &why) &&
        write_change(&writer, change, key, &is_made, &why))
        return is_made ? PROXYMAP_FOUND : PROXYMAP_ABSENT;
    *reason_out = arena_str(arena, str_from_c(why.text));
    return PROXYMAP_UNKNOWN;
}
