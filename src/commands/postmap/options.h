/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMAP_OPTIONS_H
#define POSTMAP_OPTIONS_H

#include "base/failure.h"
#include "base/str.h"

/* options - the command line of postmap and postalias. */
enum postmap_action {
    POSTMAP_BUILD,
    POSTMAP_QUERY,
    POSTMAP_REMOVE,
    POSTMAP_LIST,
};

struct postmap_options {
    bool is_postalias;
    enum postmap_action action;
    struct str key;              /* of QUERY and REMOVE; "-": keys come from standard input */
    struct str config_directory; /* empty: as usual */
    bool body_mode;              /* -b */
    bool header_mode;            /* -h */
    bool parses_mime;            /* -m */
    bool is_json;                /* -j */
    bool has_no_utf8;            /* -u */
    bool forces_utf8;            /* -U */
    bool checks_utf8;            /* what follows from these and smtputf8_enable */
    bool keeps_case;             /* -f */
    bool has_file_values;        /* -F */
    bool is_incremental;         /* -i */
    bool has_no_nul;             /* -n */
    bool has_nul;                /* -N */
    bool keeps_root;             /* -o */
    bool has_default_mode;       /* -p */
    bool replaces;               /* -r */
    bool ignores_duplicates;     /* -w */
    unsigned verbose;            /* -v */
    const char *proxywrite_path; /* from main.cf */
    bool is_type_known;          /* the type of the table that is worked on can be looked into */
    struct str host_name;        /* $myhostname, for the marks of alias files */
    char **tables;
    size_t table_count;
};

/* False after the usage was logged. */
MUST_USE bool postmap_options_parse(int argc, char **argv, struct postmap_options *options_out);

#endif
