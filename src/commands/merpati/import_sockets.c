/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of other programs, which a configuration names and an import cannot move. */
#include "config/master_cf.h"
#include "merpati/import.h"
#include "os/file.h"
#include "os/user.h"

#include <string.h>

struct teller {
    const struct import_job *job;
    const struct master_cf *services; /* of the source; NULL if it has none that can be read */
    struct str old_queue;
    struct strlist told;
};

/* The path of "unix:PATH", "local:PATH", "lmtp:unix:PATH"; in smtpd_sasl_path it stands alone. A table of type unix has
 * no slash in its name. */
static bool find_path(struct str parameter, struct str word, struct str *path_out)
{
    static const char *const marks[] = { "unix:", "local:" };
    bool is_login = str_ends_with(parameter, STR("smtpd_sasl_path"));

    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        size_t at = str_find(word, str_from_c(marks[i]));

        if (at == STR_NOT_FOUND || (at > 0 && word.data[at - 1] != ':'))
            continue;
        *path_out = str_from(word, at + strlen(marks[i]));
        return str_contains_char(*path_out, '/');
    }
    *path_out = word;
    return is_login && str_contains_char(word, '/') && !str_starts_with(word, STR("inet:"));
}

/* "private/x" and "public/x" that master.cf makes itself. */
static bool is_own_service(const struct teller *teller, struct str path)
{
    struct str folder, name;

    if (teller->services == NULL || !str_cut(path, '/', &folder, &name) ||
        (!str_equal(folder, STR("private")) && !str_equal(folder, STR("public"))))
        return false;
    return master_cf_find(teller->services, name, MASTER_SERVICE_UNIX) != NULL;
}

static const char *owner_text(struct arena *arena, const char *path)
{
    struct user_account user;
    struct user_group group;
    struct failure ignored;
    struct stat status;
    struct str user_name, group_name;

    if (!file_stat(path, &status, &ignored))
        return "not there now";
    user_name = arena_printf(arena, "%u", (unsigned) status.st_uid);
    group_name = arena_printf(arena, "%u", (unsigned) status.st_gid);
    if (user_by_uid(arena, status.st_uid, &user, &ignored) == USER_FOUND)
        user_name = user.name;
    if (user_group_by_gid(arena, status.st_gid, &group, &ignored) == USER_FOUND)
        group_name = group.name;
    return arena_printf(arena, "now %.*s:%.*s, mode %04o", STR_ARG(user_name), STR_ARG(group_name),
                        (unsigned) status.st_mode & 07777)
        .data;
}

static void tell(struct teller *teller, struct str parameter, struct str path)
{
    const struct import_job *job = teller->job;
    struct str beneath = path, user = job->shared->net_owner;
    const char *old;

    if (str_starts_with(path, teller->old_queue) && str_starts_with(str_from(path, teller->old_queue.len), STR("/")))
        beneath = str_from(path, teller->old_queue.len + 1);
    else if (path.data[0] == '/')
        beneath = str_from(path, 1);
    if (is_own_service(teller, beneath) || strlist_contains(&teller->told, beneath))
        return;
    strlist_add(&teller->told, job->arena, beneath);
    old = arena_printf(job->arena, "%.*s/%.*s", STR_ARG(teller->old_queue), STR_ARG(beneath)).data;
    import_say("%.*s: another program makes the socket %s (%s). It has to make %.*s/%.*s, owner %.*s and mode 0660%s",
               STR_ARG(parameter), old, owner_text(job->arena, old), STR_ARG(job->shared->queue_directory),
               STR_ARG(beneath), STR_ARG(user),
               str_ends_with(parameter, STR("_milters")) ? " (0666 if non_smtpd_milters names it too)" : "");
}

static void look_at(struct teller *teller, struct str parameter, struct str value)
{
    struct strlist words = strlist_split(teller->job->arena, value, ", \t\r\n{}");
    struct str path;

    for (size_t i = 0; i < words.count; i++) {
        if (find_path(parameter, words.items[i], &path))
            tell(teller, parameter, path);
    }
}

static void look_at_services(struct teller *teller)
{
    for (size_t i = 0; teller->services != NULL && i < teller->services->count; i++) {
        struct strlist overrides = master_service_overrides(&teller->services->services[i], teller->job->arena);

        for (size_t k = 0; k < overrides.count; k++) {
            struct failure ignored;
            struct str name, value;

            if (main_cf_split_assignment(overrides.items[k], &name, &value) &&
                main_cf_expand(teller->job->old, value, teller->job->arena, &value, &ignored))
                look_at(teller, name, value);
        }
    }
}

/* Where guides put it for a chroot; the service sasl is in none. */
static void tell_saslauthd(const struct teller *teller)
{
    const struct import_job *job = teller->job;
    const char *mux = arena_printf(job->arena, "%.*s/var/run/saslauthd", STR_ARG(teller->old_queue)).data;

    if (file_exists(mux))
        import_say(
            "saslauthd listens in %s: leave it there and write \"saslauthd_path: %s/mux\" into %.*s/sasl/smtpd.conf",
            mux, mux, STR_ARG(job->target));
}

void import_sockets_tell(const struct import_job *job)
{
    struct teller teller = { .job = job, .old_queue = job->old_queue };
    struct master_cf *services;
    struct failure ignored;

    if (master_cf_load(job->source, job->arena, &services, &ignored))
        teller.services = services;
    for (size_t i = 0; i < main_cf_count(job->old); i++) {
        const struct main_cf_entry *entry = main_cf_at(job->old, i);
        struct str value;

        if (main_cf_value(job->old, entry->name, job->arena, &value, &ignored))
            look_at(&teller, entry->name, value);
    }
    look_at_services(&teller);
    tell_saslauthd(&teller);
}
