/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/build.h"

#include "base/arena.h"
#include "base/time.h"
#include "log/log.h"
#include "mail/casefold.h"
#include "mail/domain.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "postmap/file_values.h"
#include "table/proxy_write.h"
#include "table/table.h"
#include "table/table_source.h"
#include "table/table_writer.h"

#include <fcntl.h>
#include <unistd.h>

enum { SOURCE_MAX = 1024 * 1024 * 1024, DEFAULT_MODE = 0644, KEPT_MODE = 0044, OWNER_MODE = 0600 };

struct build {
    const struct postmap_options *options;
    struct table_writer *writer;
    struct arena *scratch; /* emptied after each entry */
    const char *name;      /* of the table, in warnings about duplicates */
};

static bool add_entry(struct build *build, struct str key, struct str value, struct failure *why)
{
    bool is_duplicate;

    if (!build->options->keeps_case)
        key = casefold(build->scratch, key);
    if (!table_writer_put(build->writer, key, value, build->options->replaces, &is_duplicate, why))
        return false;
    if (is_duplicate && !build->options->ignores_duplicates)
        log_warning("%s: duplicate entry: \"%.*s\"", build->name, STR_ARG(key));
    return true;
}

static bool add_line(struct build *build, struct str line, struct str place, unsigned number, struct failure *why)
{
    enum table_source_form form = build->options->is_postalias ? TABLE_SOURCE_ALIASES : TABLE_SOURCE_KEY_VALUE;
    const char *problem;
    const char *advice;
    struct str key;
    struct str value;

    if (build->options->checks_utf8 && !domain_is_utf8(line)) {
        log_warning("%.*s, line %u: non-UTF-8 input \"%.*s\" -- ignoring this line", STR_ARG(place), number,
                    STR_ARG(line));
        return true;
    }
    if (!table_source_split(form, line, build->scratch, &key, &value, &problem, &advice)) {
        log_warning("%.*s, line %u: %s", STR_ARG(place), number, problem);
        return true;
    }
    if (advice != NULL)
        log_warning("%.*s, line %u: %s", STR_ARG(place), number, advice);
    if (build->options->has_file_values) {
        if (!file_values_load(value, build->scratch, &value, why)) {
            log_warning("%.*s, line %u: %s: skipping this entry", STR_ARG(place), number, why->text);
            return true;
        }
        value = file_values_encode(value, build->scratch);
    }
    return add_entry(build, key, value, why);
}

static void warn(void *context, const char *text)
{
    (void) context;
    log_warning("%s", text);
}

/* What sendmail's alias files have, so that others can tell that one is whole; NIS has no NUL in its own keys. */
static bool add_marks(struct build *build, struct failure *why)
{
    struct str now = arena_printf(build->scratch, "%lld", (long long) instant_seconds(clock_now()));
    bool ignored;

    if (!table_writer_put(build->writer, STR("@"), STR("@"), true, &ignored, why))
        return false;
    table_writer_drop_nul(build->writer);
    return table_writer_put(build->writer, STR("YP_LAST_MODIFIED"), now, true, &ignored, why) &&
           table_writer_put(build->writer, STR("YP_MASTER_NAME"), build->options->host_name, true, &ignored, why);
}

static bool add_lines(struct build *build, struct str text, struct str place, struct failure *why)
{
    struct table_source source;
    struct str line;
    unsigned number;
    bool is_done = true;

    table_source_init(&source, text);
    table_source_skip_indented(&source, place, warn, NULL);
    while (is_done && table_source_next(&source, &line, &number)) {
        is_done = add_line(build, line, place, number, why);
        arena_reset(build->scratch);
    }
    table_source_done(&source);
    if (is_done && build->options->is_postalias)
        is_done = add_marks(build, why);
    return is_done;
}

/* The source, read whole; the new file's mode comes from it. Root becomes its owner, whose file it is. */
static bool read_source(const struct postmap_options *options, struct str path, struct strbuf *text, mode_t *mode_out,
                        struct failure *why)
{
    struct arena *arena = arena_create();
    const char *name = arena_c(arena, path);
    struct stat status;
    int fd = -1;
    bool is_read = file_open(name, O_RDONLY, 0, &fd, why) && file_stat_fd(fd, name, &status, why) &&
                   file_load_fd(fd, name, text, why);

    fd_close(&fd);
    arena_destroy(&arena);
    if (!is_read)
        return false;
    *mode_out = options->has_default_mode ? DEFAULT_MODE : OWNER_MODE | (status.st_mode & KEPT_MODE);
    if (!options->keeps_root && privilege_is_root() && status.st_uid != 0)
        return privilege_borrow(status.st_uid, status.st_gid, why);
    return true;
}

static bool read_input(struct strbuf *text, mode_t *mode_out, struct failure *why)
{
    *mode_out = DEFAULT_MODE;
    return file_load_fd(STDIN_FILENO, "standard input", text, why);
}

static bool fill(struct build *build, struct str type, struct str path, struct str text, struct failure *why)
{
    struct str place = build->options->is_incremental ? STR("stdin") : path;
    struct strbuf name;
    bool is_done;

    strbuf_init(&name, STRBUF_UNLIMITED);
    if (str_equal(type, STR("lmdb")))
        strbuf_append_c(&name, "lmdb:");
    strbuf_append(&name, path);
    if (str_equal(type, STR("hash")) || str_equal(type, STR("btree")))
        strbuf_append_c(&name, ".db");
    build->name = strbuf_c(&name);
    is_done = add_lines(build, text, place, why);
    strbuf_done(&name);
    return is_done;
}

static bool build_as_owner(const struct postmap_options *options, struct str type, struct str path, struct failure *why)
{
    struct build build = { .options = options };
    struct table_writer_options writer_options = { .has_no_nul = options->has_no_nul, .has_nul = options->has_nul };
    struct strbuf text;
    bool is_done;

    if (!options->is_type_known)
        return table_type_refuse(type, why);
    if (!table_writer_knows(type))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "unsupported dictionary type: %.*s does not support bulk-mode creation.", STR_ARG(type));
    strbuf_init(&text, SOURCE_MAX);
    is_done = options->is_incremental ? read_input(&text, &writer_options.mode, why)
                                      : read_source(options, path, &text, &writer_options.mode, why);
    is_done = is_done && table_writer_open(type, path, options->is_incremental ? TABLE_EXTEND : TABLE_REBUILD,
                                           &writer_options, &build.writer, why);
    if (is_done) {
        build.scratch = arena_create();
        is_done = fill(&build, type, path, strbuf_str(&text), why);
        arena_destroy(&build.scratch);
        if (is_done)
            is_done = table_writer_commit(&build.writer, why);
        else
            table_writer_abort(&build.writer);
    }
    strbuf_done(&text);
    return is_done;
}

bool build_table(const struct postmap_options *options, struct str type, struct str path, struct failure *why)
{
    bool was_root = privilege_is_root();
    bool is_done = build_as_owner(options, type, path, why);
    struct failure restore_why;

    if (was_root && !privilege_is_root() && !privilege_restore(&restore_why)) {
        *why = restore_why;
        return false;
    }
    return is_done;
}

static bool remove_key(struct table_writer *writer, const struct postmap_options *options, struct str key,
                       bool *found_out, struct failure *why)
{
    struct arena *arena = arena_create();
    bool was_there = false;
    bool is_done = table_writer_remove(writer, options->keeps_case ? key : casefold(arena, key), &was_there, why);

    *found_out = *found_out || was_there;
    arena_destroy(&arena);
    return is_done;
}

static bool remove_keys(struct table_writer *writer, const struct postmap_options *options, bool *found_out,
                        struct failure *why)
{
    struct strbuf text;
    struct str rest;
    struct str line;
    bool is_done;

    strbuf_init(&text, SOURCE_MAX);
    is_done = file_load_fd(STDIN_FILENO, "standard input", &text, why);
    rest = strbuf_str(&text);
    while (is_done && !str_is_empty(rest)) {
        (void) str_cut(rest, '\n', &line, &rest);
        if (!str_is_empty(line))
            is_done = remove_key(writer, options, line, found_out, why);
    }
    strbuf_done(&text);
    return is_done;
}

/* path: the table that proxywrite is to change. */
static bool remove_by_proxy(const struct postmap_options *options, struct str path, bool *found_out,
                            struct failure *why)
{
    struct strbuf text;
    struct str rest = options->key;
    struct str key;
    bool is_done = true;

    strbuf_init(&text, SOURCE_MAX);
    if (str_equal(rest, STR("-"))) {
        is_done = file_load_fd(STDIN_FILENO, "standard input", &text, why);
        rest = strbuf_str(&text);
    }
    while (is_done && !str_is_empty(rest)) {
        bool was_there = false;

        (void) str_cut(rest, '\n', &key, &rest);
        if (!str_is_empty(key))
            is_done = proxy_write_remove(options->proxywrite_path, path, options->keeps_case ? 0 : TABLE_FOLD, key,
                                         &was_there, why);
        *found_out = *found_out || was_there;
    }
    strbuf_done(&text);
    return is_done;
}

/* In Postfix's words, which has tables that are opened for writing and refuse it then. */
static bool refuse_removal(const struct postmap_options *options, struct str type, struct str path, struct failure *why)
{
    if (!options->is_type_known)
        return table_type_refuse(type, why);
    if (str_equal(type, STR("static")) || str_equal(type, STR("environ")) || str_equal(type, STR("fail")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "table %.*s:%.*s: delete operation is not supported",
                           STR_ARG(type), STR_ARG(path));
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s:%.*s map requires O_RDONLY access mode", STR_ARG(type),
                       STR_ARG(path));
}

bool build_remove(const struct postmap_options *options, struct str type, struct str path, bool *found_out,
                  struct failure *why)
{
    struct table_writer_options writer_options = { .mode = DEFAULT_MODE };
    struct table_writer *writer;
    bool is_done;

    *found_out = false;
    if (str_equal(type, STR("proxy")))
        return remove_by_proxy(options, path, found_out, why);
    if (!table_writer_knows(type))
        return refuse_removal(options, type, path, why);
    if (!table_writer_open(type, path, TABLE_CHANGE, &writer_options, &writer, why))
        return false;
    is_done = str_equal(options->key, STR("-")) ? remove_keys(writer, options, found_out, why)
                                                : remove_key(writer, options, options->key, found_out, why);
    if (!is_done || !*found_out) {
        table_writer_abort(&writer);
        return is_done;
    }
    return table_writer_commit(&writer, why);
}
