/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/options.h"

#include "posttls-finger/say.h"

#include <stdio.h>
#include <unistd.h>

enum { DEFAULT_SECONDS = 30, DEFAULT_RECONNECTS = 5, SECONDS_MAXIMUM = 24 * 3600 };

static const struct {
    const char *name;
    enum finger_level level;
} levels[] = {
    { "default", FINGER_DEFAULT }, { "none", FINGER_NONE },
    { "may", FINGER_MAY },         { "encrypt", FINGER_ENCRYPT },
    { "dane", FINGER_DANE },       { "dane-only", FINGER_DANE_ONLY },
    { "verify", FINGER_VERIFY },   { "fingerprint", FINGER_FINGERPRINT },
    { "secure", FINGER_SECURE },
};

#define ALL_DETAILS (FINGER_LOG_SUMMARY | FINGER_LOG_MATCH | FINGER_LOG_PEER | FINGER_LOG_DETAILS | FINGER_LOG_CACHE)

static const struct {
    const char *name;
    unsigned log;
} log_words[] = {
    { "0", 0 },
    { "none", 0 },
    { "1", FINGER_LOG_SUMMARY },
    { "routine", FINGER_LOG_SUMMARY },
    { "summary", FINGER_LOG_SUMMARY },
    { "2", ALL_DETAILS },
    { "debug", ALL_DETAILS },
    { "3", ALL_DETAILS },
    { "ssl-expert", ALL_DETAILS },
    { "4", ALL_DETAILS },
    { "ssl-developer", ALL_DETAILS },
    { "ssl-debug", FINGER_LOG_DETAILS },
    { "ssl-handshake-packet-dump", FINGER_LOG_DETAILS },
    { "ssl-session-packet-dump", FINGER_LOG_DETAILS },
    { "untrusted", 0 },
    { "peercert", FINGER_LOG_PEER },
    { "certmatch", FINGER_LOG_MATCH },
    { "cache", FINGER_LOG_CACHE },
    { "verbose", FINGER_LOG_MATCH | FINGER_LOG_PEER | FINGER_LOG_DETAILS | FINGER_LOG_CACHE },
};

const char *finger_level_name(enum finger_level level)
{
    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        if (levels[i].level == level)
            return levels[i].name;
    }
    return "";
}

static bool parse_level(struct str word, enum finger_level *level_out)
{
    for (size_t i = 1; i < ARRAY_COUNT(levels); i++) {
        if (str_equal_nocase(word, str_from_c(levels[i].name))) {
            *level_out = levels[i].level;
            return true;
        }
    }
    (void) say_fatal("Invalid TLS level \"%.*s\"", STR_ARG(word));
    return false;
}

/* A word that is none of them is told of, and the others count. */
static bool parse_log(struct str text, unsigned *log_out)
{
    struct str rest = text, word;

    *log_out = 0;
    while (str_next_word(&rest, ", \t\r\n", &word)) {
        size_t i = 0;

        while (i < ARRAY_COUNT(log_words) && !str_equal_nocase(word, str_from_c(log_words[i].name)))
            i++;
        if (i < ARRAY_COUNT(log_words))
            *log_out |= log_words[i].log;
        else
            say_warning("unknown -L option value \"%.*s\" in \"%.*s\"", STR_ARG(word), STR_ARG(text));
    }
    return true;
}

static bool parse_family(struct str word, struct finger_options *options)
{
    options->prefers_ipv4 = str_equal(word, STR("ipv4"));
    options->prefers_ipv6 = str_equal(word, STR("ipv6"));
    if (options->prefers_ipv4 || options->prefers_ipv6 || str_equal(word, STR("any")))
        return true;
    (void) say_fatal("bad '-a' option value: %.*s", STR_ARG(word));
    return false;
}

static bool parse_insecure_mx(struct str word, enum finger_insecure_mx *policy_out)
{
    if (str_equal(word, STR("dane")))
        *policy_out = FINGER_INSECURE_DANE;
    else if (str_equal(word, STR("encrypt")))
        *policy_out = FINGER_INSECURE_ENCRYPT;
    else if (str_equal(word, STR("may")))
        *policy_out = FINGER_INSECURE_MAY;
    else {
        (void) say_fatal("bad '-M' option value: %.*s", STR_ARG(word));
        return false;
    }
    return true;
}

static bool parse_seconds(int letter, struct str word, struct duration *duration_out)
{
    uint64_t number;

    if (!str_to_uint64(word, &number) || number == 0 || number > SECONDS_MAXIMUM) {
        (void) say_fatal("bad '-%c' option value: %.*s", letter, STR_ARG(word));
        return false;
    }
    *duration_out = seconds((int64_t) number);
    return true;
}

static bool parse_count(struct str word, unsigned *count_out)
{
    uint64_t number;

    if (!str_to_uint64(word, &number) || number > 1000) {
        (void) say_fatal("bad '-m' option value: %.*s", STR_ARG(word));
        return false;
    }
    *count_out = (unsigned) number;
    return true;
}

static bool take_flag(struct finger_options *options, int letter)
{
    switch (letter) {
    case 'c':
        options->is_quiet = true;
        return true;
    case 'C':
        options->prints_chain = true;
        return true;
    case 'f':
        options->forces_tlsa = true;
        return true;
    case 'S':
        options->is_lmtp = true;
        return true;
    case 'v':
        options->verbosity++;
        return true;
    case 'w':
        options->is_wrapped = true;
        return true;
    default:
        return false;
    }
}

/* Where a word goes that is taken as it is; NULL: it is looked at. */
static struct str *place_of(struct finger_options *options, int letter)
{
    switch (letter) {
    case 'd':
        return &options->digest;
    case 'F':
        return &options->authorities_file;
    case 'g':
        return &options->grade;
    case 'h':
        return &options->host_lookup;
    case 'k':
        return &options->certificate_file;
    case 'K':
        return &options->key_file;
    case 'p':
        return &options->protocols;
    case 'P':
        return &options->authorities_directory;
    case 's':
        return &options->server_name;
    default:
        return NULL;
    }
}

static bool take_word(struct finger_options *options, int letter, struct str word, struct arena *arena)
{
    struct str *place = place_of(options, letter);

    if (place != NULL) {
        *place = word;
        return true;
    }
    switch (letter) {
    case 'a':
        return parse_family(word, options);
    case 'A':
        strlist_add_view(&options->anchor_files, arena, word);
        return true;
    case 'H':
        options->chain_files = arena_printf(arena, "%.*s %.*s", STR_ARG(options->chain_files), STR_ARG(word));
        return true;
    case 'l':
        return parse_level(word, &options->level);
    case 'L':
        return parse_log(word, &options->log);
    case 'm':
        return parse_count(word, &options->reconnects);
    case 'M':
        return parse_insecure_mx(word, &options->insecure_mx);
    case 'o':
        strlist_add_view(&options->overrides, arena, word);
        return true;
    case 'r':
        return parse_seconds(letter, word, &options->delay);
    case 't':
        return parse_seconds(letter, word, &options->connect_timeout);
    case 'T':
        return parse_seconds(letter, word, &options->command_timeout);
    default:
        return false;
    }
}

static bool usage(void)
{
    fputs("usage: posttls-finger [-acCfSvw] [-t conn_tmout] [-T cmd_tmout] [-L logopts] \\\n"
          "\t[-h host_lookup] [-l level] [-d mdalg] [-g grade] [-p protocols] \\\n"
          "\t[-A tafile] [-F CAfile.pem] [-P CApath/] [-s servername] \\\n"
          "\t[ [-H chainfiles] | [-k certfile [-K keyfile]] ] \\\n"
          "\t[-m count] [-r delay] [-o name=value] destination [match ...]\n",
          stderr);
    return false;
}

bool finger_options_parse(int argc, char **argv, struct arena *arena, struct finger_options *options_out)
{
    struct finger_options options = {
        .log = FINGER_LOG_SUMMARY | FINGER_LOG_MATCH,
        .grade = STR("medium"),
        .protocols = STR(">=TLSv1"),
        .host_lookup = STR("dns"),
        .connect_timeout = seconds(DEFAULT_SECONDS),
        .command_timeout = seconds(DEFAULT_SECONDS),
        .reconnects = DEFAULT_RECONNECTS,
    };
    int letter;

    /* As in stock, options may follow the destination. */
    while ((letter = getopt(argc, argv, "a:A:cCd:fF:g:h:H:k:K:l:L:m:M:o:p:P:r:s:St:T:vwX")) != -1) {
        if (letter == '?')
            return usage();
        if (letter == 'X') {
            (void) say_fatal("-X is for the making of Postfix: there is no tlsproxy mode");
            return false;
        }
        if (!take_flag(&options, letter) && !take_word(&options, letter, str_from_c(optarg), arena))
            return false;
    }
    if (optind >= argc ||
        (options.chain_files.len > 0 && (options.certificate_file.len > 0 || options.key_file.len > 0)))
        return usage();
    if (options.certificate_file.len == 0)
        options.certificate_file = options.key_file;
    if (options.key_file.len == 0)
        options.key_file = options.certificate_file;
    options.destination = str_from_c(argv[optind]);
    for (int i = optind + 1; i < argc; i++)
        strlist_add_view(&options.matches, arena, str_from_c(argv[i]));
    *options_out = options;
    return true;
}
