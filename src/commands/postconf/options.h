/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_OPTIONS_H
#define POSTCONF_OPTIONS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * options - what postconf's command line asks for. One letter is the subject (main.cf if there is none), at most one
 * changes it, the others say how it is shown; what does not go together is refused in stock's words.
 */
struct options {
    /* 'p' main.cf, M F P master.cf; m a A l T b t: other lists; W: the checks of merpati check; R: all rows */
    char subject;
    char change; /* 'e', 'X', '#', or 0: show */
    bool has_directory;
    struct str directory; /* -c */
    const char *tls_mode; /* -T */
    unsigned classes;     /* -C */
    struct strlist overrides;
    struct strlist words;
    bool wants_defaults; /* -d */
    bool expands;        /* -x */
    bool is_folded;      /* -f */
    bool hides_names;    /* -h */
    bool hides_values;   /* -H */
    bool is_json;        /* -j */
    bool only_set;       /* -n */
    bool is_quiet;       /* -q */
    bool shows_all;      /* -PP: main.cf as each service sees it */
};

/* False: why->text is what to say and exit with 1. */
MUST_USE bool options_parse(int argc, char **argv, struct arena *arena, struct options *options_out,
                            struct failure *why);

#endif
