/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_MAIN_CF_H
#define CONFIG_MAIN_CF_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"

/*
 * main_cf - the parameters of one configuration directory, and the language their values are written in.
 *
 * A value comes from, in this order: an override (master.cf or command line "-o name=value"), the last of the
 * files (main.cf, then main.cf.d) that has it, a default that a settings table has announced, a computed default
 * (myhostname, mydomain, mynetworks, process_name ...), the table of parameters that Postfix knows. Values are kept as
 * written and expanded when asked for. All memory is the arena's; after load nothing changes but by the calls override
 * and announce. Most programs use settings_load (config/settings.h) and never look in here.
 */
struct main_cf;

/* Where a value stands: file and first line, 0 when it is an override or a default. */
struct main_cf_place {
    struct str file;
    unsigned line;
};

/* One "name = value" of the file, as written, its lines joined as they stand, without comments. */
struct main_cf_entry {
    struct str name;
    struct str value;
    struct main_cf_place place;
};

/* Reads config_directory/main.cf and main.cf.d (drop_ins.h). The failure names file, line and what would be right. */
MUST_USE bool main_cf_load(struct str config_directory, struct arena *arena, struct main_cf **cf_out,
                           struct failure *why);
/* The same from memory; file is only named in messages. For tests, fuzzing and commands. */
MUST_USE bool main_cf_parse(struct str text, struct str file, struct str config_directory, struct arena *arena,
                            struct main_cf **cf_out, struct failure *why);

/* "name=value" or "name = value", from -o; outranks the file. */
MUST_USE bool main_cf_override(struct main_cf *cf, struct str assignment, struct failure *why);
/* What $process_name and $service_name give. */
void main_cf_set_program(struct main_cf *cf, struct str program, struct str service);
/* A default in the main.cf language, used when neither file nor override has the name. text must outlive cf. */
void main_cf_announce(struct main_cf *cf, struct str name, struct str default_text);

/* The entries of the files in their order; of a name given twice only the last stays, in the first one's place. */
size_t main_cf_count(const struct main_cf *cf);
const struct main_cf_entry *main_cf_at(const struct main_cf *cf, size_t index);
/* NULL if neither override nor file has the name. */
const struct main_cf_entry *main_cf_find(const struct main_cf *cf, struct str name);

/* As written (override, file or default); false if nobody knows the name. */
bool main_cf_raw(const struct main_cf *cf, struct str name, struct str *value_out);
/* The default alone, as written. */
bool main_cf_default(const struct main_cf *cf, struct str name, struct str *value_out);
/* With all $name replaced. An unknown name gives the empty string. */
MUST_USE bool main_cf_value(const struct main_cf *cf, struct str name, struct arena *arena, struct str *value_out,
                            struct failure *why);
/* Replaces $name, ${name?x}, ${{a} == {b} ? {x} : {y}} ... in text. */
MUST_USE bool main_cf_expand(const struct main_cf *cf, struct str text, struct arena *arena, struct str *text_out,
                             struct failure *why);

struct str main_cf_directory(const struct main_cf *cf);
/* What a reader should hear: "file, line 3: overriding earlier entry: a=b". */
const struct strlist *main_cf_warnings(const struct main_cf *cf);

/*
 * Lists as Postfix writes them: words separated by comma and white space, "{ ... }" is one word whose outer
 * braces are kept (words) or dropped (fields); empty elements vanish.
 */
struct strlist main_cf_words(struct str text, struct arena *arena);
struct strlist main_cf_fields(struct str text, struct arena *arena);
/* Splits "{ name = value }" or "name = value" or "name=value"; false if there is no name or no "=". */
bool main_cf_split_assignment(struct str text, struct str *name_out, struct str *value_out);

/* yes or no; a number; a time as 30s, 5m, 2h, 1d, 1w (unit: what a bare number means), in seconds. */
bool main_cf_parse_boolean(struct str text, bool *value_out);
bool main_cf_parse_time(struct str text, char unit, int64_t *seconds_out);

/* Compares as <=level does: 0.9, 1, 3.6, 3.6.1. False if one of them is not a level. */
bool main_cf_compare_levels(struct str a, struct str b, int *order_out);

#endif
