/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_TABLE_LIST_H
#define TABLE_TABLE_LIST_H

#include "table/table.h"

/*
 * table_list - a parameter's list of tables ("maps", as virtual_alias_maps), asked in order until one answers.
 *
 * The list is split at commas and white space outside of { }. Opening never fails: see table_open_or_defer.
 * The list belongs to its set.
 */
struct table_list;

/* title is the parameter's name, for messages; value the parameter's expanded value, which may be empty. */
struct table_list *table_list_open(struct table_set *set, struct str title, struct str value, unsigned flags);

bool table_list_is_empty(const struct table_list *list);
struct str table_list_title(const struct table_list *list);

/*
 * The first table of the kinds wanted that knows the key. UNKNOWN stops the search: a later table must not answer for
 * one that is broken. An empty value is UNKNOWN, too: whoever wrote it meant something. why names the parameter's
 * table.
 */
MUST_USE enum table_result table_list_find(struct table_list *list, struct str key, enum table_kind kinds,
                                           struct arena *arena, struct str *value_out, struct failure *why);

/* As table_list_find, and also says which table answered ("hash:/etc/merpati/access"). */
MUST_USE enum table_result table_list_find_where(struct table_list *list, struct str key, enum table_kind kinds,
                                                 struct arena *arena, struct str *value_out, struct str *table_out,
                                                 struct failure *why);

/*
 * Takes the next element off *rest: white space and commas (or the bytes of separators) end it, except inside { }.
 * False at the end. The element keeps its braces. The one splitter of lists for tables, restrictions and maps.
 */
bool table_list_next_word(struct str *rest, const char *separators, struct str *word_out);

/*
 * What stands inside the braces of "{...}", trimmed. Fails in Postfix's words where the text does not begin with '{',
 * where nothing closes it, or where something follows what does, as in "{one}{two}".
 */
MUST_USE bool table_list_unbrace(struct str text, struct str *inside_out, struct failure *why);

#endif
