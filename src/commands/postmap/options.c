/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/options.h"

#include "log/log.h"
#include "os/process.h"

#include <unistd.h>

static bool fail_usage(const struct postmap_options *options)
{
    if (options->is_postalias)
        log_fatal("usage: postalias [-Nfijnoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...");
    else
        log_fatal("usage: postmap [-bfFhijmnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...");
    return false;
}

static bool set_action(struct postmap_options *options, enum postmap_action action, struct str key)
{
    if (options->action != POSTMAP_BUILD) {
        log_fatal("specify only one of -s -q or -d");
        return false;
    }
    options->action = action;
    options->key = key;
    return true;
}

/* The options that are switches; false if c is none. */
static bool set_switch(struct postmap_options *options, int c)
{
    struct {
        char letter;
        bool *place;
    } switches[] = {
        { 'b', &options->body_mode },          { 'h', &options->header_mode },      { 'f', &options->keeps_case },
        { 'F', &options->has_file_values },    { 'i', &options->is_incremental },   { 'n', &options->has_no_nul },
        { 'o', &options->keeps_root },         { 'p', &options->has_default_mode }, { 'r', &options->replaces },
        { 'w', &options->ignores_duplicates }, { 'j', &options->is_json },          { 'm', &options->parses_mime },
        { 'u', &options->has_no_utf8 },        { 'U', &options->forces_utf8 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(switches); i++) {
        if (switches[i].letter == c) {
            *switches[i].place = true;
            return true;
        }
    }
    return false;
}

static bool set_option(struct postmap_options *options, int c, struct str argument)
{
    switch (c) {
    case 'c':
        options->config_directory = argument;
        return true;
    case 'd':
        return set_action(options, POSTMAP_REMOVE, argument);
    case 'q':
        return set_action(options, POSTMAP_QUERY, argument);
    case 's':
        return set_action(options, POSTMAP_LIST, STR_EMPTY);
    case 'v':
        options->verbose++;
        return true;
    case 'N':
        options->has_no_nul = false;
        options->has_nul = true;
        return true;
    default:
        return set_switch(options, c) || fail_usage(options);
    }
}

bool postmap_options_parse(int argc, char **argv, struct postmap_options *options_out)
{
    struct postmap_options options = { .action = POSTMAP_BUILD };
    const char *letters;
    int c;

    options.is_postalias = str_equal(str_from_c(process_name()), STR("postalias"));
    letters = options.is_postalias ? "Nc:d:fijnopq:rsuvw" : "Nbc:d:fFhijmnopq:rsuUvw";
    while ((c = getopt(argc, argv, letters)) > 0) {
        if (!set_option(&options, c, str_from_c(optarg)))
            return false;
    }
    options.tables = argv + optind; /* UNSAFE: getopt's index, at most argc */
    options.table_count = (size_t) (argc - optind);
    if (options.table_count == 0)
        return fail_usage(&options);
    if ((options.body_mode || options.header_mode || options.parses_mime) &&
        (options.action != POSTMAP_QUERY || !str_equal(options.key, STR("-")))) {
        log_fatal("specify -b -h or -m only with \"-q -\"");
        return false;
    }
    if (options.parses_mime && !options.body_mode && !options.header_mode)
        log_warning("ignoring -m option without -b or -h");
    *options_out = options;
    return true;
}
