/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_MASTER_CF_H
#define CONFIG_MASTER_CF_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"

/*
 * master_cf - the services of master.cf, one struct a service, in the order of the file.
 *
 * Fields given as "-" keep MASTER_CF_DEFAULT where the default depends on main.cf (chroot, maxproc); the
 * others hold the default itself. Everything lives in the arena. $name in arguments is not expanded here.
 */
enum master_service_type {
    MASTER_SERVICE_INET,
    MASTER_SERVICE_UNIX,
    MASTER_SERVICE_UNIX_DGRAM,
    MASTER_SERVICE_FIFO,
    MASTER_SERVICE_PASS,
};

/* The eight columns as written, for postconf -M. */
enum master_field {
    MASTER_FIELD_NAME,
    MASTER_FIELD_TYPE,
    MASTER_FIELD_PRIVATE,
    MASTER_FIELD_UNPRIVILEGED,
    MASTER_FIELD_CHROOT,
    MASTER_FIELD_WAKEUP,
    MASTER_FIELD_MAXPROC,
    MASTER_FIELD_COMMAND,
    MASTER_FIELD_COUNT,
};

#define MASTER_CF_DEFAULT (-1)

struct master_service {
    struct str fields[MASTER_FIELD_COUNT];
    struct strlist written_arguments; /* as written, { } kept */
    struct strlist arguments;         /* what the program gets after its fixed ones: { } around one are gone */
    enum master_service_type type;
    bool is_private;
    bool is_unprivileged; /* runs as mail_owner or net_owner */
    int chroot;           /* 0, 1 or MASTER_CF_DEFAULT: yes below compatibility_level 1 */
    int wakeup_seconds;   /* 0: never */
    bool wakes_only_when_used;
    int max_processes; /* 0: no limit; MASTER_CF_DEFAULT: default_process_limit */
    struct str file;   /* and line: where it stands */
    unsigned line;
};

struct master_cf {
    struct str file; /* the first one */
    struct master_service *services;
    size_t count;
    struct strlist warnings; /* "file: line 3: duplicate master.cf entry for service ..." and the like */
};

/* Reads config_directory/master.cf and master.cf.d (drop_ins.h). The failure names file, line and what would be right.
 */
MUST_USE bool master_cf_load(struct str config_directory, struct arena *arena, struct master_cf **cf_out,
                             struct failure *why);
MUST_USE bool master_cf_parse(struct str text, struct str file, struct arena *arena, struct master_cf **cf_out,
                              struct failure *why);

/* "inet", "unix" ... */
const char *master_service_type_name(enum master_service_type type);
/*
 * The values of -o, "name=value" or "name = value", in order. A program's own options with arguments, such as
 * pipe's, are not looked at: the walk ends at the first word that is not -o or -v.
 */
struct strlist master_service_overrides(const struct master_service *service, struct arena *arena);
/* The words that follow those options: pipe's flags=, user= and so on. */
struct strlist master_service_words(const struct master_service *service, struct arena *arena);
/* As master_service_disable decides, whose words are type, name/type, and either with "!" before it. */
bool master_service_is_disabled(const struct master_service *service, const struct strlist *words);
/* NULL if there is no such service. */
const struct master_service *master_cf_find(const struct master_cf *cf, struct str name, enum master_service_type type);

#endif
