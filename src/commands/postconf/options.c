/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/options.h"

#include "postconf/parameters.h"

#include <unistd.h>

static const char usage[] =
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (expanded bounce templates)] "
    "[-c config_dir] [-C param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] "
    "[-F (master.cf fields)] [-h (no names)] [-H (no values)] [-j (JSON)] [-l (lock types)] [-m (table types)] "
    "[-M (master.cf)] [-n (non-default parameters)] [-o name=value (override parameter value)] "
    "[-p (main.cf, default)] [-P (master.cf parameters)] [-q (quiet)] [-t (bounce templates)] "
    "[-T compile-version|run-version|public-key-algorithms] [-v (verbose)] [-x (expand parameter values)] "
    "[-X (exclude)] [-# (comment-out)] [name...]";

/* In the order in which messages name them. */
static const char subjects[] = "aAbFlmMpPtTRW";

/* How often each letter was given. */
struct given {
    unsigned times[128];
};

static unsigned times(const struct given *given, char letter)
{
    return given->times[(unsigned char) letter & 127];
}

static bool take_class(struct str text, unsigned *classes, struct failure *why)
{
    static const struct {
        const char *name;
        unsigned classes;
    } rows[] = { { "builtin", PARAMETER_BUILTIN },
                 { "service", PARAMETER_SERVICE },
                 { "user", PARAMETER_USER },
                 { "all", PARAMETER_ALL } };
    struct str rest = text;
    struct str word;

    while (str_next_word(&rest, ", \t", &word)) {
        size_t i = 0;

        while (i < ARRAY_COUNT(rows) && !str_equal(word, str_from_c(rows[i].name)))
            i++;
        if (i == ARRAY_COUNT(rows))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown -C option value \"%.*s\" in \"%.*s\"",
                               STR_ARG(word), STR_ARG(text));
        *classes |= rows[i].classes;
    }
    return true;
}

static bool take_letters(int argc, char **argv, struct arena *arena, struct given *given, struct options *options,
                         struct failure *why)
{
    int letter;

    while ((letter = getopt(argc, argv, "+aAbc:C:defFhHjlmMno:pPqRtT:vWxX#")) != -1) {
        if (letter == '?')
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%s", usage);
        given->times[letter & 127]++;
        if (letter == 'C' && !take_class(str_from_c(optarg), &options->classes, why))
            return false;
        if (letter == 'c')
            options->directory = str_from_c(optarg);
        else if (letter == 'o')
            strlist_add(&options->overrides, arena, str_from_c(optarg));
        else if (letter == 'T')
            options->tls_mode = optarg;
    }
    for (; optind < argc; optind++)
        strlist_add(&options->words, arena, str_from_c(argv[optind]));
    return true;
}

static bool is_about_files(char subject)
{
    return strchr("pMFP", subject) != NULL;
}

static bool choose_subject(const struct given *given, struct options *options, struct failure *why)
{
    options->subject = 0;
    for (const char *letter = subjects; *letter != '\0'; letter++) {
        if (times(given, *letter) == 0)
            continue;
        if (options->subject == 'b' && *letter == 't')
            return failure_set(why, FAILURE_CONFIGURATION, 0, "specify one of -b and -t");
        if (options->subject != 0)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "specify one of -%c -%c", options->subject, *letter);
        options->subject = *letter;
    }
    if (options->subject == 0)
        options->subject = 'p';
    return true;
}

/* "postconf name=value" changes without -e. */
static void hear_assignments(struct given *given, const struct options *options)
{
    size_t i;

    if (!is_about_files(options->subject))
        return;
    for (i = 0; i < options->words.count; i++)
        if (str_contains_char(options->words.items[i], '='))
            given->times['e']++;
}

static bool choose_change(const struct given *given, struct options *options, struct failure *why)
{
    static const char exclusive[] = "defhHjnoxX#";
    char before = 0;

    options->change = 0;
    for (const char *letter = "eX#"; *letter != '\0'; letter++)
        if (times(given, *letter) > 0 && options->change == 0)
            options->change = *letter;
    if (options->change == 0 || !is_about_files(options->subject))
        return true;
    for (const char *letter = exclusive; *letter != '\0'; letter++) {
        if (times(given, *letter) == 0)
            continue;
        if (before != 0 && (strchr("eX#", before) != NULL || strchr("eX#", *letter) != NULL))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "specify one of -%c -%c", before, *letter);
        before = *letter;
    }
    return true;
}

static bool refuse_pair(const struct given *given, char first, char second, struct failure *why)
{
    if (times(given, first) == 0 || times(given, second) == 0)
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0, "specify one of -%c -%c", first, second);
}

static const char *unfit_for(char subject)
{
    switch (subject) {
    case 'p':
        return "";
    case 'M':
        return "dhHn";
    case 'F':
        return "dnX#";
    case 'P':
        return "dn#";
    default:
        return "defhHjnoxX#";
    }
}

static bool find_unfit(const struct given *given, const struct options *options, struct failure *why)
{
    for (const char *letter = unfit_for(options->subject); *letter != '\0'; letter++)
        if (times(given, *letter) > 0)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "with option -%c, do not specify -%c", options->subject,
                               *letter);
    return refuse_pair(given, 'd', 'n', why) && refuse_pair(given, 'h', 'H', why) &&
           refuse_pair(given, 'f', 'j', why) && refuse_pair(given, 'h', 'j', why) && refuse_pair(given, 'H', 'j', why);
}

bool options_parse(int argc, char **argv, struct arena *arena, struct options *options_out, struct failure *why)
{
    struct options *options = options_out;
    struct given given = { 0 };

    *options = (struct options){ 0 };
    if (!take_letters(argc, argv, arena, &given, options, why) || !choose_subject(&given, options, why))
        return false;
    hear_assignments(&given, options);
    if (!choose_change(&given, options, why) || !find_unfit(&given, options, why))
        return false;
    options->has_directory = times(&given, 'c') > 0;
    options->wants_defaults = times(&given, 'd') > 0;
    options->expands = times(&given, 'x') > 0;
    options->is_folded = times(&given, 'f') > 0;
    options->hides_names = times(&given, 'h') > 0;
    options->hides_values = times(&given, 'H') > 0;
    options->is_json = times(&given, 'j') > 0;
    options->only_set = times(&given, 'n') > 0;
    options->is_quiet = times(&given, 'q') > 0;
    options->shows_all = times(&given, 'P') > 1;
    if (options->classes == 0)
        options->classes = PARAMETER_ALL;
    return true;
}
