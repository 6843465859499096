/* SPDX-License-Identifier: Apache-2.0 */
#include "config/master_cf.h"
#include "merpati/import_sockets.h"
#include "os/file.h"

#include <string.h>
#include <sys/stat.h>

enum { TEXT_MAXIMUM = 4 << 20 };

static const char separators[] = ", \t\r\n{}=\"";

struct finder {
    const struct import_job *job;
    const struct master_cf *services; /* of the source; NULL if it has none that can be read */
    struct strlist files;             /* looked into */
    struct import_sockets *sockets;
};

/* ---- one name ---- */

/* "ldapi://%2Frun%2Fslapd". */
static struct str decode(struct arena *arena, struct str text)
{
    CLEANUP(strbuf_done) struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    while (text.len > 0) {
        bool is_slash = str_starts_with_nocase(text, STR("%2f"));

        (void) strbuf_append_char(&out, is_slash ? '/' : text.data[0]);
        text = str_from(text, is_slash ? 3 : 1);
    }
    return arena_str(arena, strbuf_str(&out));
}

/* The path of "unix:PATH", "lmtp:unix:PATH", "socketmap:unix:PATH:name"; "local:PATH" is a milter's alone. A table of
 * type unix has no slash in its name. */
static bool find_path(const struct finder *finder, struct str word, bool is_milter, struct str *path_out)
{
    static const char *const marks[] = { "unix:", "ldapi://", "local:" };
    const size_t count = is_milter ? ARRAY_COUNT(marks) : ARRAY_COUNT(marks) - 1;
    struct str rest;

    for (size_t i = 0; i < count; i++) {
        size_t at = str_find(word, str_from_c(marks[i]));

        if (at == STR_NOT_FOUND || (at > 0 && word.data[at - 1] != ':'))
            continue;
        (void) str_cut(str_from(word, at + strlen(marks[i])), ':', path_out, &rest);
        *path_out = decode(finder->job->arena, *path_out);
        return str_contains_char(*path_out, '/');
    }
    return false;
}

/* "private/x" and "public/x" that master.cf makes itself. */
static bool is_own_service(const struct finder *finder, struct str path)
{
    struct str folder, name;

    if (finder->services == NULL || !str_cut(path, '/', &folder, &name) ||
        (!str_equal(folder, STR("private")) && !str_equal(folder, STR("public"))))
        return false;
    return master_cf_find(finder->services, name, MASTER_SERVICE_UNIX) != NULL;
}

static void add(struct finder *finder, struct str where, struct str path, unsigned askers, bool is_milter)
{
    const struct import_job *job = finder->job;
    struct import_sockets *sockets = finder->sockets;
    size_t i;

    if (str_starts_with(path, job->old_queue) && str_starts_with(str_from(path, job->old_queue.len), STR("/")))
        path = str_from(path, job->old_queue.len + 1);
    if (is_own_service(finder, path))
        return;
    for (i = 0; i < sockets->count && !str_equal(sockets->items[i].path, path); i++)
        ;
    if (i == IMPORT_SOCKETS_MAXIMUM)
        return;
    if (i == sockets->count)
        sockets->items[sockets->count++] = (struct import_socket){ path, where, 0, false };
    if (is_milter && !sockets->items[i].is_milter)
        sockets->items[i].where = where;
    sockets->items[i].is_milter |= is_milter;
    sockets->items[i].askers |= askers;
}

static unsigned asker_of(const struct finder *finder, struct str word)
{
    const struct master_service *lmtp;

    if (str_find(word, STR("socketmap:")) != STR_NOT_FOUND)
        return IMPORT_ASKED_BY_MAP;
    if (finder->services == NULL || !str_starts_with(word, STR("lmtp:")))
        return IMPORT_ASKED_BY_NET;
    lmtp = master_cf_find(finder->services, STR("lmtp"), MASTER_SERVICE_UNIX);
    return lmtp != NULL && lmtp->chroot == 0 ? IMPORT_ASKED_BY_FREE_NET : IMPORT_ASKED_BY_NET;
}

/* ---- files ---- */

/* proxymap asks what the settings of a database name; the rest is for who uses the table. */
static void look_at_line(struct finder *finder, struct str where, struct str line, bool is_database)
{
    struct str word, path;

    while (str_next_word(&line, separators, &word)) {
        if (find_path(finder, word, false, &path))
            add(finder, where, path, is_database ? IMPORT_ASKED_BY_MAP : asker_of(finder, word), false);
    }
}

static void look_at_file(struct finder *finder, const char *path, const char *name)
{
    CLEANUP(strbuf_done) struct strbuf text;
    struct arena *arena = finder->job->arena;
    struct failure ignored;
    struct stat status;
    struct str rest, line;

    strbuf_init(&text, TEXT_MAXIMUM);
    if (strlist_contains(&finder->files, str_from_c(path)))
        return;
    strlist_add(&finder->files, arena, str_from_c(path));
    if (!file_stat(path, &status, &ignored) || !S_ISREG(status.st_mode) || !file_load(path, &text, &ignored) ||
        str_contains_char(strbuf_str(&text), '\0'))
        return;
    rest = arena_str(arena, strbuf_str(&text));
    for (unsigned number = 1; rest.len > 0; number++) {
        (void) str_cut(rest, '\n', &line, &rest);
        if (!str_starts_with(str_trim_left(line), STR("#")))
            look_at_line(finder, arena_printf(arena, "%s, line %u", name, number), line,
                         str_ends_with(str_from_c(path), STR(".cf")));
    }
}

static void look_at_files(struct finder *finder)
{
    const struct strlist *files = &finder->job->files;

    for (size_t i = 0; i < files->count; i++) {
        const char *path = files->items[i].data, *name = path + finder->job->source.len + 1;

        if (strcmp(name, "main.cf") != 0 && strcmp(name, "master.cf") != 0)
            look_at_file(finder, path, name);
    }
}

/* ---- parameters ---- */

static void look_at_word(struct finder *finder, struct str parameter, struct str word)
{
    bool is_milter = str_ends_with(parameter, STR("_milters"));
    size_t slash = str_find(word, STR(":/"));
    struct str path;

    if (find_path(finder, word, is_milter, &path))
        add(finder, parameter, path,
            str_equal(parameter, STR("non_smtpd_milters")) ? IMPORT_ASKED_BY_MAP : asker_of(finder, word), is_milter);
    else if (str_ends_with(parameter, STR("smtpd_sasl_path")) && str_contains_char(word, '/') &&
             !str_starts_with(word, STR("inet:"))) /* it stands alone there */
        add(finder, parameter, word, IMPORT_ASKED_BY_NET, false);
    else if (slash != STR_NOT_FOUND && !import_text_names(str_from(word, slash + 1), finder->job->source)) {
        const char *file = arena_c(finder->job->arena, str_from(word, slash + 1));

        look_at_file(finder, file, file);
    }
}

static void look_at_value(struct finder *finder, struct str parameter, struct str value)
{
    struct strlist words = strlist_split(finder->job->arena, value, ", \t\r\n{}");

    for (size_t i = 0; i < words.count; i++)
        look_at_word(finder, parameter, words.items[i]);
}

static void look_at_service(struct finder *finder, const struct master_service *service)
{
    struct strlist overrides = master_service_overrides(service, finder->job->arena);
    struct failure ignored;
    struct str name, value;

    for (size_t i = 0; i < overrides.count; i++) {
        if (main_cf_split_assignment(overrides.items[i], &name, &value) &&
            main_cf_expand(finder->job->old, value, finder->job->arena, &value, &ignored))
            look_at_value(finder, name, value);
    }
}

void import_sockets_find(const struct import_job *job, struct import_sockets *sockets)
{
    struct finder finder = { .job = job, .sockets = sockets };
    struct master_cf *services;
    struct failure ignored;
    struct str value;

    if (master_cf_load(job->source, job->arena, &services, &ignored))
        finder.services = services;
    for (size_t i = 0; i < main_cf_count(job->old); i++) {
        struct str name = main_cf_at(job->old, i)->name;

        if (main_cf_value(job->old, name, job->arena, &value, &ignored))
            look_at_value(&finder, name, value);
    }
    for (size_t i = 0; finder.services != NULL && i < finder.services->count; i++)
        look_at_service(&finder, &finder.services->services[i]);
    look_at_files(&finder);
}
