/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arguments.h"

#include "config/programs.h"

#include <unistd.h>

static const char *const transports[] = {
    [DAEMON_TRANSPORT_INET] = "inet", [DAEMON_TRANSPORT_UNIX] = "unix",           [DAEMON_TRANSPORT_FIFO] = "fifo",
    [DAEMON_TRANSPORT_PASS] = "pass", [DAEMON_TRANSPORT_DATAGRAM] = "unix-dgram",
};

static bool parse_transport(const char *text, enum daemon_transport *transport_out, struct failure *why)
{
    for (size_t i = 0; i < ARRAY_COUNT(transports); i++) {
        if (strcmp(text, transports[i]) == 0) {
            *transport_out = (enum daemon_transport) i;
            return true;
        }
    }
    return failure_set(why, FAILURE_CONFIGURATION, 0, "-t %s: inet, unix, fifo, pass or unix-dgram was expected", text);
}

static bool parse_count(const char *text, unsigned *count_out, struct failure *why)
{
    uint64_t count;

    if (!str_to_uint64(str_from_c(text), &count) || count == 0 || count > 1000)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "-s %s: a number of sockets was expected", text);
    *count_out = (unsigned) count;
    return true;
}

static bool take_option(int option, struct arena *arena, struct daemon_arguments *arguments, struct failure *why)
{
    switch (option) {
    case 'n':
        arguments->service = optarg;
        return true;
    case 't':
        return parse_transport(optarg, &arguments->transport, why);
    case 'c':
        arguments->is_chrooted = true;
        return true;
    case 'u':
        arguments->is_unprivileged = true;
        return true;
    case 's':
        return parse_count(optarg, &arguments->socket_count, why);
    case 'o':
        strlist_add(&arguments->overrides, arena, str_from_c(optarg));
        return true;
    case 'S':
        arguments->is_standalone = true;
        return true;
    case 'v':
        arguments->verbose++;
        return true;
    case 'D':
        arguments->is_debugged = true;
        return true;
    case 'd':
    case 'l':
    case 'z':
    case 'i':
    case 'm':
        return true;
    default:
        return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown option -%c", optopt);
    }
}

/* Of those that master.cf knows; a value with a blank in it, without braces, leaves a word behind. */
static bool may_have_words(const char *name)
{
    const struct program *program = program_find(str_from_c(name));

    return program == NULL || program_takes_words(program);
}

bool daemon_arguments_parse(int argc, char **argv, const char *program, struct arena *arena,
                            struct daemon_arguments *arguments_out, struct failure *why)
{
    struct daemon_arguments arguments = { .transport = DAEMON_TRANSPORT_UNIX, .socket_count = 1 };
    int option;

    /* Not 1: that would go on within the word where an earlier parse stopped. */
    optind = 0;
    opterr = 0;
    while ((option = getopt(argc, argv, "+:cdDi:lm:n:o:s:St:uvz")) != -1) {
        if (option == ':')
            return failure_set(why, FAILURE_CONFIGURATION, 0, "option -%c needs a value", optopt);
        if (!take_option(option, arena, &arguments, why))
            return false;
    }
    for (; optind < argc; optind++)
        strlist_add(&arguments.rest, arena, str_from_c(argv[optind]));
    if (arguments.rest.count > 0 && !may_have_words(program))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "unexpected command-line argument: %.*s",
                           STR_ARG(arguments.rest.items[0]));
    if (arguments.service == NULL && arguments.is_standalone)
        arguments.service = program;
    if (arguments.service == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no service name (-n): this program is started by master");
    *arguments_out = arguments;
    return true;
}
