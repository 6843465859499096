/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/library.h"

#include "base/memory.h"
#include "config/sasl_service.h"

#include <limits.h>
#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdio.h>

struct library_exchange {
    sasl_conn_t *connection;
};

/* The library asks callbacks that have no context of ours: of each call, where its words go. */
static _Thread_local struct strbuf *words_of_thread;

/* What administrators and fail2ban know: only what went wrong is told. */
static const char *kind_of(int level)
{
    switch (level) {
    case SASL_LOG_ERR:
        return "problem";
    case SASL_LOG_FAIL:
        return "failure";
    case SASL_LOG_WARN:
        return "warning";
    default:
        return NULL;
    }
}

static int note(void *context, int level, const char *message)
{
    const char *kind = kind_of(level);

    (void) context;
    if (kind != NULL && message != NULL && words_of_thread != NULL)
        strbuf_printf(words_of_thread, "%s: %s\n", kind, message);
    return SASL_OK;
}

/* Function pointers of any kind are stored as one of no arguments: the library's own way. */
static sasl_callback_t callbacks[] = {
    { SASL_CB_LOG, (int (*)(void))(void (*)(void)) note, NULL },
    { SASL_CB_LIST_END, NULL, NULL },
};

void library_gather(struct strbuf *words)
{
    words_of_thread = words;
}

static bool fail(int code, const char *what, struct failure *why)
{
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: %s", what, sasl_errstring(code, NULL, NULL));
}

static void *make_lock(void)
{
    pthread_mutex_t *lock = memory_alloc(sizeof *lock);

    pthread_mutex_init(lock, NULL);
    return lock;
}

static int take_lock(void *lock)
{
    return pthread_mutex_lock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static int leave_lock(void *lock)
{
    return pthread_mutex_unlock(lock) == 0 ? SASL_OK : SASL_FAIL;
}

static void free_lock(void *lock)
{
    pthread_mutex_destroy(lock);
    memory_free(lock);
}

bool library_begin(const char *directories, struct str application, struct failure *why)
{
    /* The library keeps what it is given. */
    static char path[PATH_MAX], name[100];
    int code;

    if (!sasl_service_is_application(application) || application.len >= sizeof name)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "smtpd_sasl_path: \"%.*s\" is no name of a configuration file", STR_ARG(application));
    if ((size_t) snprintf(path, sizeof path, "%s", directories) >= sizeof path)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "cyrus_sasl_config_path: too long");
    snprintf(name, sizeof name, "%.*s", STR_ARG(application));
    sasl_set_mutex(make_lock, take_lock, leave_lock, free_lock);
    code = sasl_set_path(SASL_PATH_TYPE_CONFIG, path);
    if (code == SASL_OK)
        code = sasl_server_init(callbacks, name);
    return code == SASL_OK || fail(code, "Cyrus SASL", why);
}

/* ---- mechanisms ---- */

static bool open_connection(const struct library_exchange_options *options, unsigned flags,
                            sasl_conn_t **connection_out, struct failure *why)
{
    struct arena *arena = arena_create();
    sasl_security_properties_t properties = { .max_ssf = 0, .security_flags = flags };
    const char *realm = options->realm.len > 0 ? arena_c(arena, options->realm) : NULL;
    int code = sasl_server_new(arena_c(arena, options->service), arena_c(arena, options->host), realm, NULL, NULL, NULL,
                               0, connection_out);

    arena_destroy(&arena);
    if (code != SASL_OK)
        return fail(code, "Cyrus SASL", why);
    code = sasl_setprop(*connection_out, SASL_SEC_PROPS, &properties);
    if (code == SASL_OK)
        return true;
    sasl_dispose(connection_out);
    return fail(code, "Cyrus SASL", why);
}

/* The names that are left under such flags, with blanks between; empty: none. */
static bool list_names(const struct library_exchange_options *options, unsigned flags, struct arena *arena,
                       struct strlist *names_out, struct failure *why)
{
    const char *names = "";
    sasl_conn_t *connection;
    unsigned len;
    int count;

    if (!open_connection(options, flags, &connection, why))
        return false;
    if (sasl_listmech(connection, NULL, "", " ", "", &names, &len, &count) != SASL_OK)
        names = "";
    *names_out = strlist_split(arena, str_from_c(names), " ");
    sasl_dispose(&connection);
    return true;
}

/* What a flag leaves out is what it forbids; what a demand leaves in is what it asks for. */
static const struct {
    unsigned flag;
    enum auth_trait trait;
    bool is_demand;
} flags[] = {
    { SASL_SEC_NOPLAINTEXT, AUTH_IS_PLAINTEXT, false },           { SASL_SEC_NOACTIVE, AUTH_IS_ACTIVE, false },
    { SASL_SEC_NODICTIONARY, AUTH_IS_DICTIONARY, false },         { SASL_SEC_NOANONYMOUS, AUTH_IS_ANONYMOUS, false },
    { SASL_SEC_FORWARD_SECRECY, AUTH_HAS_FORWARD_SECRECY, true }, { SASL_SEC_MUTUAL_AUTH, AUTH_IS_MUTUAL, true },
};

bool library_append_mechanisms(const struct library_exchange_options *options, struct strbuf *out, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct strlist names, left[ARRAY_COUNT(flags)];

    if (!list_names(options, 0, arena, &names, why))
        return false;
    for (size_t k = 0; k < ARRAY_COUNT(flags); k++) {
        if (!list_names(options, flags[k].flag, arena, &left[k], why))
            return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        unsigned traits = 0;

        for (size_t k = 0; k < ARRAY_COUNT(flags); k++) {
            if (strlist_contains(&left[k], names.items[i]) == flags[k].is_demand)
                traits |= flags[k].trait;
        }
        auth_line_begin(out, "MECH");
        auth_line_add(out, names.items[i]);
        auth_mechanism_append_traits(out, traits);
        auth_line_end(out);
    }
    return true;
}

/* ---- exchanges ---- */

bool library_exchange_create(const struct library_exchange_options *options, struct library_exchange **exchange_out,
                             struct failure *why)
{
    struct library_exchange *exchange = memory_alloc(sizeof *exchange);

    *exchange = (struct library_exchange){ NULL };
    if (!open_connection(options, 0, &exchange->connection, why)) {
        memory_free(exchange);
        return false;
    }
    *exchange_out = exchange;
    return true;
}

void library_exchange_destroy(struct library_exchange **exchange)
{
    if (*exchange == NULL)
        return;
    sasl_dispose(&(*exchange)->connection);
    memory_free(*exchange);
    *exchange = NULL;
}

static bool is_servers_trouble(int code)
{
    return code == SASL_FAIL || code == SASL_NOMEM || code == SASL_BUFOVER || code == SASL_TRYAGAIN ||
           code == SASL_UNAVAIL || code == SASL_NOTINIT || code == SASL_CONFIGERR;
}

/* Who guesses names does not hear which there are. */
static int public_code(int code)
{
    return code == SASL_NOUSER || code == SASL_NOVERIFY ? SASL_BADAUTH : code;
}

static struct str username_of(sasl_conn_t *connection, struct arena *arena)
{
    const void *name = NULL;

    if (sasl_getprop(connection, SASL_USERNAME, &name) != SASL_OK || name == NULL)
        return STR_EMPTY;
    return arena_str(arena, str_from_c(name));
}

static void deny(struct auth_answer *answer, const char *reason, bool is_ours, struct arena *arena)
{
    answer->outcome = AUTH_DENIED;
    answer->reason = arena_str(arena, str_from_c(reason));
    answer->is_servers_trouble = is_ours;
}

static void challenge(struct auth_answer *answer, const char *output, unsigned len, struct arena *arena)
{
    unsigned size = (len + 2) / 3 * 4 + 1, used;
    char *text = arena_alloc(arena, size);

    if (sasl_encode64(output, len, text, size, &used) != SASL_OK) {
        deny(answer, "generic failure", true, arena);
        return;
    }
    answer->outcome = AUTH_CHALLENGED;
    answer->challenge = str_make(text, used);
}

static void conclude(sasl_conn_t *connection, int code, const char *output, unsigned len, struct arena *arena,
                     struct auth_answer *answer)
{
    if (code == SASL_CONTINUE) {
        challenge(answer, output, len, arena);
        return;
    }
    answer->username = username_of(connection, arena);
    if (code != SASL_OK)
        deny(answer, sasl_errstring(public_code(code), NULL, NULL), is_servers_trouble(code), arena);
    else if (answer->username.len == 0)
        deny(answer, "no user name", true, arena);
    else
        answer->outcome = AUTH_GRANTED;
}

void library_exchange_step(struct library_exchange *exchange, struct str mechanism, bool has_input, struct str input,
                           struct arena *arena, struct auth_answer *answer_out)
{
    char *bytes = arena_alloc(arena, input.len + 1);
    unsigned len = 0, output_len = 0;
    const char *output = "";
    int code;

    *answer_out = (struct auth_answer){ .challenge = STR_EMPTY, .username = STR_EMPTY, .reason = STR_EMPTY };
    if (input.len > 0 &&
        sasl_decode64(input.data, (unsigned) input.len, bytes, (unsigned) input.len + 1, &len) != SASL_OK) {
        deny(answer_out, "bad protocol / cancel", false, arena);
        return;
    }
    if (mechanism.len > 0)
        code = sasl_server_start(exchange->connection, arena_c(arena, mechanism), has_input ? bytes : NULL, len,
                                 &output, &output_len);
    else
        code = sasl_server_step(exchange->connection, bytes, len, &output, &output_len);
    conclude(exchange->connection, code, output == NULL ? "" : output, output == NULL ? 0 : output_len, arena,
             answer_out);
}
