/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/strlist.h"
#include "base/time.h"

#include <limits.h>
#include <stddef.h>

/*
 * settings - a program's parameters as one typed struct, made from a table with one row a parameter.
 *
 * Each owner has settings.h (the struct and `extern const struct settings_table x_settings_table`) and
 * settings.c (the rows). The rows are also what postconf, the checks and the reference pages are made
 * from, so a row is the only place where a parameter's name, default and bounds stand. Defaults are in
 * the main.cf language and may use other parameters ("$myhostname", "${{$compatibility_level} <level {1}
 * ? {yes} : {no}}"). A row whose name begins with "*" is one for each service: "*_time_limit" is read as
 * "<service_name>_time_limit".
 *
 *     static const struct setting rows[] = {
 *         SETTING_STRING(struct smtpd_settings, banner, "smtpd_banner", "$myhostname ESMTP $mail_name", 0, 0,
 *                        "The text after 220 in the greeting."),
 *         SETTING_TIME(struct smtpd_settings, timeout, "smtpd_timeout", "300s", 1, 0, 's', "..."),
 *     };
 *     const struct settings_table smtpd_settings_table = SETTINGS_TABLE("smtpd", struct smtpd_settings, rows);
 */
struct main_cf;

enum setting_type {
    SETTING_TYPE_STRING,  /* struct str, expanded */
    SETTING_TYPE_RAW,     /* struct str, as written: its owner expands it later with names of its own */
    SETTING_TYPE_LIST,    /* struct strlist, expanded, then cut at commas and white space, { } kept together */
    SETTING_TYPE_INTEGER, /* int */
    SETTING_TYPE_SIZE,    /* int64_t, bytes or a large count */
    SETTING_TYPE_BOOLEAN, /* bool, yes or no */
    SETTING_TYPE_TIME,    /* struct duration */
    SETTING_TYPE_CHOICE,  /* int, the place of the word in choices */
};

/* minimum, maximum: length of a string, value of a number, seconds of a time; maximum 0: no bound. */
struct setting {
    const char *name;
    const char *default_text;
    const char *purpose;
    const char *const *choices; /* NULL-terminated, for SETTING_TYPE_CHOICE; of a list: its words, or NULL for any */
    size_t offset;
    int64_t minimum;
    int64_t maximum;
    enum setting_type type;
    char unit; /* what a time without unit means: s m h d w */
};

struct settings_table {
    const char *owner; /* the program or library, for the reference */
    const struct setting *rows;
    size_t count;
    size_t struct_size;
};

/* The comparison of pointers makes the compiler check the member's type. */
#define SETTING_OFFSET(owner, member, kind) (offsetof(owner, member) + 0 * sizeof(&((owner *) 0)->member == (kind *) 0))
#define SETTING_ROW(owner, member, kind, kind_name, name_, default_, minimum_, maximum_, unit_, choices_, purpose_)    \
    {                                                                                                                  \
        .name = (name_), .default_text = (default_), .purpose = (purpose_), .choices = (choices_),                     \
        .offset = SETTING_OFFSET(owner, member, kind), .minimum = (minimum_), .maximum = (maximum_),                   \
        .type = (kind_name), .unit = (unit_)                                                                           \
    }

#define SETTING_STRING(owner, member, name, default_text, shortest, longest, purpose)                                  \
    SETTING_ROW(owner, member, struct str, SETTING_TYPE_STRING, name, default_text, shortest, longest, 0, NULL, purpose)
#define SETTING_RAW(owner, member, name, default_text, shortest, longest, purpose)                                     \
    SETTING_ROW(owner, member, struct str, SETTING_TYPE_RAW, name, default_text, shortest, longest, 0, NULL, purpose)
#define SETTING_LIST(owner, member, name, default_text, purpose)                                                       \
    SETTING_ROW(owner, member, struct strlist, SETTING_TYPE_LIST, name, default_text, 0, 0, 0, NULL, purpose)
#define SETTING_WORDS(owner, member, name, default_text, choices, purpose)                                             \
    SETTING_ROW(owner, member, struct strlist, SETTING_TYPE_LIST, name, default_text, 0, 0, 0, choices, purpose)
#define SETTING_INTEGER(owner, member, name, default_text, lowest, highest, purpose)                                   \
    SETTING_ROW(owner, member, int, SETTING_TYPE_INTEGER, name, default_text, lowest, highest, 0, NULL, purpose)
#define SETTING_SIZE(owner, member, name, default_text, lowest, highest, purpose)                                      \
    SETTING_ROW(owner, member, int64_t, SETTING_TYPE_SIZE, name, default_text, lowest, highest, 0, NULL, purpose)
#define SETTING_BOOLEAN(owner, member, name, default_text, purpose)                                                    \
    SETTING_ROW(owner, member, bool, SETTING_TYPE_BOOLEAN, name, default_text, 0, 0, 0, NULL, purpose)
#define SETTING_TIME(owner, member, name, default_text, lowest, highest, unit, purpose)                                \
    SETTING_ROW(owner, member, struct duration, SETTING_TYPE_TIME, name, default_text, lowest, highest, unit, NULL,    \
                purpose)
#define SETTING_CHOICE(owner, member, name, default_text, choices, purpose)                                            \
    SETTING_ROW(owner, member, int, SETTING_TYPE_CHOICE, name, default_text, 0, 0, 0, choices, purpose)

#define SETTINGS_TABLE(owner, type, rows)                                                                              \
    {                                                                                                                  \
        (owner), (rows), ARRAY_COUNT(rows), sizeof(type)                                                               \
    }

/*
 * Makes the struct, in the arena with all it points to. service_name replaces "*" (empty if there is no
 * such row). The failure names the file, the line, the parameter and what would be right.
 * The rows' defaults are announced to cf, so that other values may refer to them.
 */
MUST_USE bool settings_load(const struct settings_table *table, struct main_cf *cf, struct str service_name,
                            struct arena *arena, void **struct_out, struct failure *why);
/* Adds to faults what settings_load would refuse, each value of the table by itself; a text that is there stays once.
 */
void settings_find_faults(const struct settings_table *table, struct main_cf *cf, struct str service_name,
                          struct arena *arena, struct strlist *faults);
/* Announces the defaults alone: before a load of several tables whose values refer to each other. */
void settings_announce(const struct settings_table *table, struct main_cf *cf);

/*
 * One parameter by a name made at run time, such as "<transport>_destination_concurrency_limit" with the
 * default "$default_destination_concurrency_limit". Bounds as in a row; maximum 0: none.
 */
MUST_USE bool settings_get_integer(const struct main_cf *cf, struct str name, const char *default_text, int minimum,
                                   int maximum, int *value_out, struct failure *why);
MUST_USE bool settings_get_size(const struct main_cf *cf, struct str name, const char *default_text, int64_t minimum,
                                int64_t maximum, int64_t *value_out, struct failure *why);
MUST_USE bool settings_get_time(const struct main_cf *cf, struct str name, const char *default_text, char unit,
                                struct duration *value_out, struct failure *why);
MUST_USE bool settings_get_boolean(const struct main_cf *cf, struct str name, const char *default_text, bool *value_out,
                                   struct failure *why);
MUST_USE bool settings_get_string(const struct main_cf *cf, struct str name, const char *default_text,
                                  struct arena *arena, struct str *value_out, struct failure *why);

#endif
