/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/change.h"

#include "base/memory.h"
#include "config/drop_ins.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "postconf/edit.h"
#include "postconf/entries_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

enum { FILE_MAXIMUM = 16 << 20, LOCK_SECONDS = 60 };

struct change {
    const struct options *options;
    struct arena *arena;
    bool is_master;
    struct strlist files;
    struct edit *edits;          /* of names or whole entries */
    struct entry_edit *in_entry; /* of fields and parameters */
    const struct main_cf *cf;    /* where each setting in force stands */
    const struct services *services;
};

/* ---- the words ---- */

/* The new entry in the form that -Mf shows. */
static bool service_text(const struct change *change, struct str word, struct str text, struct edit *edit,
                         struct failure *why)
{
    struct services_print print = { .is_folded = true, .is_exact = true };
    struct strlist warnings = { 0 };
    struct service_entry entry;
    char *buffer = NULL;
    size_t size = 0;
    bool is_good;

    if (!services_parse_entry(text, change->arena, &entry, &warnings, why))
        return strcmp(why->text, "bad field count") != 0
                   ? false
                   : failure_set(why, FAILURE_CONFIGURATION, 0, "bad field count: \"%.*s\"", STR_ARG(word));
    print.out = open_memstream(&buffer, &size);
    if (print.out == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "no memory");
    is_good = service_print(&print, &entry, why);
    fclose(print.out);
    edit->text = arena_str(change->arena, str_trim_right(str_make(buffer, size)));
    edit->other_key = arena_printf(change->arena, "%.*s/%.*s", STR_ARG(entry.fields[MASTER_FIELD_NAME]),
                                   STR_ARG(entry.fields[MASTER_FIELD_TYPE]));
    memory_free(buffer);
    return is_good;
}

static bool split_assignment(struct str word, struct str *key_out, struct str *value_out, struct failure *why)
{
    if (str_find_any(word, "\n\r") != STR_NOT_FOUND)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-e, -X, or -# accepts no multi-line input");
    if (str_starts_with(str_trim_left(word), STR("#")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-e, -X, or -# accepts no comment input");
    if (!str_cut(word, '=', key_out, value_out) ||
        (*key_out = str_trim(*key_out), str_find_any(*key_out, " \t") != STR_NOT_FOUND))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "missing '=' after attribute name: \"%.*s\"", STR_ARG(word));
    if (key_out->len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "missing attribute name: \"%.*s\"", STR_ARG(word));
    *value_out = str_trim(*value_out);
    return true;
}

static bool is_service_and_type(struct str key)
{
    struct service_part part;

    /* A service's name may hold slashes, a type not. */
    return service_part_of(key, &part) && part.given > 1;
}

static bool make_edit(struct change *change, struct str word, struct edit *edit, struct failure *why)
{
    const char letter = change->options->change;
    struct str value = STR_EMPTY;

    *edit = (struct edit){ .action = letter == 'e'   ? EDIT_SET
                                     : letter == 'X' ? EDIT_REMOVE
                                                     : EDIT_COMMENT_OUT,
                           .key = str_trim(word) };
    if (letter == 'e' && !split_assignment(word, &edit->key, &value, why))
        return false;
    if (change->is_master && !is_service_and_type(edit->key))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-Me, -MX or -M# requires service_name/type");
    if (letter != 'e')
        return true;
    if (change->is_master)
        return service_text(change, word, value, edit, why);
    edit->text = value.len > 0 ? arena_printf(change->arena, "%.*s = %.*s", STR_ARG(edit->key), STR_ARG(value))
                               : arena_printf(change->arena, "%.*s =", STR_ARG(edit->key));
    return true;
}

static bool make_entry_edit(struct change *change, struct str word, struct entry_edit *edit, struct failure *why)
{
    const bool are_fields = change->options->subject == 'F';
    const bool removes = change->options->change == 'X';
    struct str key = word;

    *edit = (struct entry_edit){ .change = are_fields ? ENTRY_SET_FIELD
                                           : removes  ? ENTRY_REMOVE_PARAMETER
                                                      : ENTRY_SET_PARAMETER };
    if (!removes && !split_assignment(word, &key, &edit->value, why))
        return false;
    if (!service_part_of(key, &edit->part) || edit->part.given < 3)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s",
                           are_fields ? "-Fe or -FX requires service_name/type/field_name"
                                      : "-Pe or -PX requires service_name/type/parameter");
    if (str_equal(edit->part.part, STR("*")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s",
                           are_fields ? "-Fe does not accept wild-card field name"
                                      : "-Pe does not accept wild-card parameter name");
    if (are_fields && service_field_of(edit->part.part) < 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid service attribute name: \"%.*s\"",
                           STR_ARG(edit->part.part));
    return true;
}

static bool read_words(struct change *change, struct failure *why)
{
    const struct strlist *words = &change->options->words;
    size_t i;

    if (change->options->subject == 'F' || change->options->subject == 'P')
        change->in_entry = arena_new_array(change->arena, words->count, struct entry_edit);
    else
        change->edits = arena_new_array(change->arena, words->count, struct edit);
    for (i = 0; i < words->count; i++)
        if (change->in_entry != NULL ? !make_entry_edit(change, words->items[i], &change->in_entry[i], why)
                                     : !make_edit(change, words->items[i], &change->edits[i], why))
            return false;
    return true;
}

/* Of two that set one name the last one counts. */
static bool is_set_again(const struct change *change, size_t at)
{
    const struct edit *edit = &change->edits[at];

    for (size_t i = at + 1; edit->action == EDIT_SET && i < change->options->words.count; i++)
        if (change->is_master ? str_equal(change->edits[i].other_key, edit->other_key)
                              : str_equal(change->edits[i].key, edit->key))
            return true;
    return false;
}

static void tell_what_is_set_again(const struct change *change)
{
    for (size_t i = 0; change->edits != NULL && !change->is_master && i < change->options->words.count; i++)
        if (is_set_again(change, i))
            log_warning("ignoring earlier request: '%.*s'", STR_ARG(change->edits[i].text));
}

/* ---- the files ---- */

/* An entry of the same name and type in a later file is the one in force. */
static bool is_outranked(void *context, const struct service_entry *entry)
{
    const struct change *change = context;
    size_t i;

    for (i = 0; change->services != NULL && i < change->services->count; i++) {
        const struct service_entry *other = &change->services->items[i];

        if (str_equal(other->fields[MASTER_FIELD_NAME], entry->fields[MASTER_FIELD_NAME]) &&
            str_equal(other->fields[MASTER_FIELD_TYPE], entry->fields[MASTER_FIELD_TYPE]) &&
            !str_equal(other->file, entry->file))
            return true;
    }
    return false;
}

/* What stands in another file, in force, is set there. */
static bool is_for_file(const struct change *change, const struct edit *edit, struct str file)
{
    const bool is_first = str_equal(file, change->files.items[0]);
    const struct main_cf_entry *entry;
    size_t i;

    if (edit->action != EDIT_SET)
        return true;
    if (!change->is_master) {
        entry = change->cf != NULL ? main_cf_find(change->cf, edit->key) : NULL;
        return entry != NULL ? str_equal(entry->place.file, file) : is_first;
    }
    for (i = 0; change->services != NULL && i < change->services->count; i++)
        if (service_matches(&change->services->items[i], edit->key) ||
            service_matches(&change->services->items[i], edit->other_key))
            return str_equal(change->services->items[i].file, file);
    return is_first;
}

static void edit_lines(struct change *change, struct str file, struct str text, struct strbuf *out)
{
    const size_t count = change->options->words.count;
    struct edit *edits = arena_new_array(change->arena, count, struct edit);
    size_t used = 0;
    size_t i;

    for (i = 0; i < count; i++)
        if (!is_set_again(change, i) && is_for_file(change, &change->edits[i], file))
            edits[used++] = change->edits[i];
    edit_apply(text, change->is_master, edits, used, out);
    for (i = 0; i < used && !change->is_master; i++)
        if (edits[i].matches > 1)
            log_warning("%.*s: multiple entries for \"%.*s\"", STR_ARG(file), STR_ARG(edits[i].key));
}

/* Of a link that what it leads to is changed: the link stays one. */
static bool write_back(const char *path, struct str text, struct failure *why)
{
    char real[PATH_MAX];

    if (realpath(path, real) == NULL)
        return failure_set(why, FAILURE_RETRY, errno, "%s: %s", path, strerror(errno));
    return file_replace(real, text, 0644, why);
}

static bool change_file(struct change *change, struct str file, struct failure *why)
{
    struct strbuf text;
    struct strbuf out;
    bool is_good;

    strbuf_init(&text, FILE_MAXIMUM);
    strbuf_init(&out, FILE_MAXIMUM);
    is_good = file_load(file.data, &text, why);
    if (is_good && change->in_entry != NULL)
        is_good = entries_edit(strbuf_str(&text), file, change->in_entry, change->options->words.count, is_outranked,
                               change, &out, change->arena, why);
    else if (is_good)
        edit_lines(change, file, strbuf_str(&text), &out);
    if (is_good && out.is_overflowed)
        is_good = failure_set(why, FAILURE_PERMANENT, 0, "%.*s would become too long", STR_ARG(file));
    if (is_good && !str_equal(strbuf_str(&text), strbuf_str(&out)))
        is_good = write_back(file.data, strbuf_str(&out), why);
    strbuf_done(&text);
    strbuf_done(&out);
    return is_good;
}

/* Only where there are several files does it matter in which one something stands; one that is broken is mended so. */
static bool see_what_stands_where(struct change *change, struct failure *why)
{
    struct services *services;
    struct main_cf *cf;

    if (!drop_ins_list(change->options->directory, change->is_master ? "master.cf" : "main.cf", change->arena,
                       &change->files, why))
        return false;
    if (change->files.count < 2)
        return true;
    if (!change->is_master) {
        if (!main_cf_load(change->options->directory, change->arena, &cf, why))
            return false;
        change->cf = cf;
        return true;
    }
    if (!services_load(change->options->directory, change->arena, &services, why))
        return false;
    change->services = services;
    return true;
}

static void tell_unmet(const struct change *change)
{
    size_t i;

    for (i = 0; change->in_entry != NULL && i < change->options->words.count; i++)
        if (change->in_entry[i].matches == 0)
            log_warning("unmatched service_name/type: \"%.*s\"", STR_ARG(change->options->words.items[i]));
}

static bool change_files(struct change *change, struct failure *why)
{
    size_t i;

    if (!read_words(change, why) || !see_what_stands_where(change, why))
        return false;
    tell_what_is_set_again(change);
    for (i = 0; i < change->files.count; i++)
        if (!change_file(change, change->files.items[i], why))
            return false;
    return true;
}

int change_configuration(const struct options *options, struct arena *arena)
{
    struct change change = { .options = options, .arena = arena, .is_master = options->subject != 'p' };
    const char *directory = arena_c(arena, options->directory);
    struct failure why;
    bool is_good;
    int fd = -1;

    if (options->words.count == 0)
        return log_fail(1, "%s",
                        options->change == 'e' ? "-e requires name=value argument" : "missing service argument");
    /* Two that change it at one time do so one after the other; where the folder cannot be locked, nobody can. */
    if (directory_open_fd(AT_FDCWD, directory, &fd, &why) &&
        !lock_wait(fd, directory, LOCK_STYLE_FLOCK, LOCK_EXCLUSIVE, seconds(LOCK_SECONDS), &why)) {
        fd_close(&fd);
        return log_fail(1, "%s", why.text);
    }
    is_good = change_files(&change, &why);
    fd_close(&fd);
    if (!is_good)
        return log_fail(1, "%s", why.text);
    tell_unmet(&change);
    return 0;
}
