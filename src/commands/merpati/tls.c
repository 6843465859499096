/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/tls.h"

#include "log/log.h"

#include <unistd.h>

static const struct verb {
    const char *name;
    int (*run)(const struct tls_request *request);
    const char *options; /* of getopt */
    const char *usage;
    size_t words_minimum, words_maximum;
    bool takes_names; /* of hosts */
} verbs[] = {
    { "enable-client", tls_enable_client, "+r:", "[-r randsource]", 0, 0, false },
    { "enable-server", tls_enable_server, "+r:a:b:", "[-r randsource] [-a algorithm] [-b bits] [hostname ...]", 0,
      SIZE_MAX, true },
    { "new-server-key", tls_new_key, "+a:b:", "[-a algorithm] [-b bits] [hostname ...]", 0, SIZE_MAX, true },
    { "new-server-cert", tls_new_certificate, "+a:b:", "[-a algorithm] [-b bits] [hostname ...]", 0, SIZE_MAX, true },
    { "deploy-server-cert", tls_deploy_certificate, "+", "certfile keyfile", 2, 2, false },
    { "output-server-csr", tls_output_request, "+k:", "[-k keyfile] [hostname ...]", 0, SIZE_MAX, true },
    { "output-server-tlsa", tls_output_tlsa, "+h:", "[-h hostname] [keyfile ...]", 0, SIZE_MAX, false },
    { "all-default-client", tls_all_default_client, "+", "", 0, 0, false },
    { "all-default-server", tls_all_default_server, "+", "", 0, 0, false },
};

static int usage(const struct instance *instance, const char *name)
{
    struct str all = STR_EMPTY;

    log_error("unknown tls command: '%s'", name);
    for (size_t i = 1; i < ARRAY_COUNT(verbs); i++)
        all = arena_printf(instance->arena, "%.*s%s%s", STR_ARG(all), i == 1 ? "" : ", ", verbs[i].name);
    log_fatal("usage: merpati tls %s (or %.*s)", verbs[0].name, STR_ARG(all));
    return 1;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (str_equal(str_from_c(verbs[i].name), str_from_c(name)))
            return &verbs[i];
    }
    return NULL;
}

/* What will stand in certificates, records and lists of names. */
static bool is_host_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is_alnum(name.data[i]) && !str_contains_char(STR(".-_*"), name.data[i]))
            return false;
    }
    return name.len > 0 && name.len < 256;
}

static bool take_option(struct tls_request *request, int letter, const char *text, struct failure *why)
{
    switch (letter) {
    case 'r':
        request->random_source = text;
        return true;
    case 'a':
        request->algorithm = key_algorithm_parse(str_from_c(text));
        return request->algorithm != KEY_OTHER ||
               failure_set(why, FAILURE_CONFIGURATION, 0, "Unsupported public key algorithm: %s", text);
    case 'b':
        request->size = str_from_c(text);
        return true;
    case 'h':
        request->host = str_from_c(text);
        return is_host_name(request->host) || failure_set(why, FAILURE_CONFIGURATION, 0, "bad host name: \"%s\"", text);
    case 'k':
        request->key_file = str_from_c(text);
        return true;
    default:
        return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown option");
    }
}

/* False with empty *why: the words are not those of the subcommand. */
static bool read_words(const struct verb *verb, int argc, char **argv, struct tls_request *request, struct failure *why)
{
    int letter;

    why->text[0] = '\0';
    opterr = 0;
    optind = 0;
    while ((letter = getopt(argc, argv, verb->options)) != -1) {
        if (letter == '?' || !take_option(request, letter, optarg, why))
            return false;
    }
    for (int i = optind; i < argc; i++) {
        strlist_add(&request->words, request->instance->arena, str_from_c(argv[i]));
        if (verb->takes_names && !is_host_name(str_from_c(argv[i])))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "bad host name: \"%s\"", argv[i]);
    }
    return request->words.count >= verb->words_minimum && request->words.count <= verb->words_maximum;
}

int tls_run(const struct instance *instance, int argc, char **argv)
{
    const struct verb *verb = find_verb(argc > 1 ? argv[1] : "");
    struct tls_request request = { .instance = instance, .host = instance->shared->myhostname, .algorithm = KEY_RSA };
    struct failure why;

    if (verb == NULL)
        return usage(instance, argc > 1 ? argv[1] : "");
    if (read_words(verb, argc - 1, argv + 1, &request, &why))
        return verb->run(&request);
    if (why.text[0] == '\0')
        log_fatal("usage: merpati tls %s %s", verb->name, verb->usage);
    else
        log_fatal("%s", why.text);
    return 1;
}
