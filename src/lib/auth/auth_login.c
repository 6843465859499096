/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_login.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "run/offload.h"

#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdio.h>
#include <string.h>

/* As libsasl2 keeps them: what they really take depends on their number. */
typedef int any_callback(void);

enum { THREADS_MAXIMUM = 2, REMARK_MAXIMUM = 500, CALLBACKS_MAXIMUM = 5 };

struct auth_login {
    sasl_conn_t *connection;
    sasl_callback_t callbacks[CALLBACKS_MAXIMUM];
    struct strbuf username, authority;
    sasl_secret_t *secret;
    size_t secret_size;
    char remark[REMARK_MAXIMUM];

    /* the question to the library, and its answer */
    struct strbuf input; /* mechanisms, or the decoded challenge */
    bool is_start;
    int result;
    const char *mechanism;
    const char *output;
    unsigned output_len;
    struct strbuf response;
};

/* ---- what the library asks ---- */

static int tell_name(void *context, int id, const char **result_out, unsigned *len_out)
{
    const struct auth_login *login = context;
    const struct strbuf *name = id == SASL_CB_USER ? &login->authority : &login->username;

    *result_out = strbuf_c(name);
    if (len_out != NULL)
        *len_out = (unsigned) name->len;
    return SASL_OK;
}

static int tell_password(sasl_conn_t *connection, void *context, int id, sasl_secret_t **secret_out)
{
    const struct auth_login *login = context;

    if (connection == NULL || id != SASL_CB_PASS)
        return SASL_BADPARAM;
    *secret_out = login->secret;
    return SASL_OK;
}

/* The first complaint is kept: it says most. */
static int hear(void *context, int level, const char *text)
{
    static const char *const kinds[] = {
        [SASL_LOG_ERR] = "problem", [SASL_LOG_FAIL] = "failure", [SASL_LOG_WARN] = "problem"
    };
    struct auth_login *login = context;

    if (login != NULL && level >= SASL_LOG_ERR && level <= SASL_LOG_WARN && login->remark[0] == '\0')
        (void) snprintf(login->remark, sizeof(login->remark), "SASL authentication %s: %s", kinds[level], text);
    return SASL_OK;
}

/* ---- the library ---- */

static void *make_lock(void)
{
    pthread_mutex_t *lock = memory_alloc(sizeof(*lock));

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

bool auth_login_load(struct failure *why)
{
    static const sasl_callback_t callbacks[] = { { SASL_CB_LOG, (any_callback *) (void (*)(void)) hear, NULL },
                                                 { SASL_CB_LIST_END, NULL, NULL } };
    int result;

    sasl_set_mutex(make_lock, take_lock, leave_lock, free_lock);
    result = sasl_client_init(callbacks);
    if (result == SASL_OK)
        return true;
    return failure_set(why, FAILURE_CONFIGURATION, 0, "SASL library initialization: %s",
                       sasl_errstring(result, NULL, NULL));
}

struct offload *auth_login_threads(struct loop *loop)
{
    return offload_create(loop, "SASL", THREADS_MAXIMUM);
}

/* ---- an exchange ---- */

static unsigned flags_of(struct auth_security security)
{
    static const struct {
        unsigned forbidden, required, flag;
    } rows[] = {
        { AUTH_IS_PLAINTEXT, 0, SASL_SEC_NOPLAINTEXT },   { AUTH_IS_ACTIVE, 0, SASL_SEC_NOACTIVE },
        { AUTH_IS_DICTIONARY, 0, SASL_SEC_NODICTIONARY }, { AUTH_IS_ANONYMOUS, 0, SASL_SEC_NOANONYMOUS },
        { 0, AUTH_IS_MUTUAL, SASL_SEC_MUTUAL_AUTH },      { 0, AUTH_HAS_FORWARD_SECRECY, SASL_SEC_FORWARD_SECRECY },
    };
    unsigned flags = 0;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if ((security.forbidden & rows[i].forbidden) != 0 || (security.required & rows[i].required) != 0)
            flags |= rows[i].flag;
    }
    return flags;
}

static void set_callbacks(struct auth_login *login)
{
    const sasl_callback_t callbacks[CALLBACKS_MAXIMUM] = {
        { SASL_CB_USER, (any_callback *) (void (*)(void)) tell_name, login },
        { SASL_CB_AUTHNAME, (any_callback *) (void (*)(void)) tell_name, login },
        { SASL_CB_PASS, (any_callback *) (void (*)(void)) tell_password, login },
        { SASL_CB_LOG, (any_callback *) (void (*)(void)) hear, login },
        { SASL_CB_LIST_END, NULL, NULL },
    };

    /* UNSAFE: arrays of one type and length */
    memcpy(login->callbacks, callbacks, sizeof(callbacks));
}

static void set_secret(struct auth_login *login, struct str password)
{
    login->secret_size = sizeof(*login->secret) + password.len + 1;
    login->secret = memory_alloc(login->secret_size);
    login->secret->len = password.len;
    /* UNSAFE: the room was made */
    if (password.len > 0)
        memcpy(login->secret->data, password.data, password.len);
    login->secret->data[password.len] = '\0';
}

static void init_text(struct strbuf *text, struct str value)
{
    strbuf_init(text, STRBUF_UNLIMITED);
    strbuf_append(text, value);
}

struct auth_login *auth_login_create(const struct auth_login_options *options)
{
    struct auth_login *login = memory_alloc(sizeof(*login));
    /* No layer of SASL's own under the session: ssf 0. */
    sasl_security_properties_t properties = { .security_flags = flags_of(options->security) };
    struct strbuf host;

    init_text(&login->username, options->username);
    init_text(&login->authority, options->names_itself ? options->username : STR_EMPTY);
    strbuf_init(&login->input, STRBUF_UNLIMITED);
    strbuf_init(&login->response, STRBUF_UNLIMITED);
    init_text(&host, options->host);
    set_secret(login, options->password);
    set_callbacks(login);
    login->result =
        sasl_client_new(options->service, strbuf_c(&host), NULL, NULL, login->callbacks, 0, &login->connection);
    if (login->result == SASL_OK)
        login->result = sasl_setprop(login->connection, SASL_SEC_PROPS, &properties);
    strbuf_done(&host);
    return login;
}

static void release(void *context)
{
    struct auth_login *login = context;

    if (login->connection != NULL)
        sasl_dispose(&login->connection);
    explicit_bzero(login->secret, login->secret_size);
    memory_free(login->secret);
    strbuf_done(&login->username);
    strbuf_done(&login->authority);
    strbuf_done(&login->input);
    strbuf_done(&login->response);
    memory_free(login);
}

void auth_login_destroy(struct auth_login **login)
{
    struct auth_login *it = *login;

    *login = NULL;
    if (it != NULL)
        release(it);
}

/* In a thread. */
static void compute(void *context)
{
    struct auth_login *login = context;
    const char *input = strbuf_c(&login->input);

    login->result = login->is_start ? sasl_client_start(login->connection, input, NULL, &login->output,
                                                        &login->output_len, &login->mechanism)
                                    : sasl_client_step(login->connection, input, (unsigned) login->input.len, NULL,
                                                       &login->output, &login->output_len);
}

static bool fail(int result, struct failure *why)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "%s", sasl_errstring(result, NULL, NULL));
}

static bool encode(struct auth_login *login, struct auth_step *step_out, struct failure *why)
{
    unsigned room = (login->output_len + 2) / 3 * 4 + 1, len;
    char *place;
    int result;

    strbuf_clear(&login->response);
    place = strbuf_reserve(&login->response, room);
    result = sasl_encode64(login->output_len > 0 ? login->output : "", login->output_len, place, room, &len);
    if (result != SASL_OK)
        return fail(result, why);
    strbuf_extend(&login->response, len);
    *step_out = (struct auth_step){
        .mechanism = str_from_c(login->mechanism != NULL ? login->mechanism : ""),
        .has_response = login->output != NULL,
        .response = strbuf_str(&login->response),
    };
    return true;
}

static bool run_step(struct auth_login **login, struct offload *threads, struct duration timeout,
                     struct auth_step *step_out, struct failure *why)
{
    struct auth_login *it = *login;

    it->output = NULL;
    it->output_len = 0;
    if (!offload_run(threads, compute, it, release, timeout, why)) {
        *login = NULL;
        return false;
    }
    if (it->result != SASL_OK && it->result != SASL_CONTINUE)
        return fail(it->result, why);
    return encode(it, step_out, why);
}

bool auth_login_start(struct auth_login **login, struct offload *threads, struct str mechanisms,
                      struct duration timeout, struct auth_step *step_out, struct failure *why)
{
    struct auth_login *it = *login;

    if (it->result != SASL_OK)
        return fail(it->result, why);
    it->is_start = true;
    strbuf_append(&it->input, mechanisms);
    return run_step(login, threads, timeout, step_out, why);
}

bool auth_login_continue(struct auth_login **login, struct offload *threads, struct str challenge,
                         struct duration timeout, struct auth_step *step_out, struct failure *why)
{
    struct auth_login *it = *login;
    unsigned room = (unsigned) challenge.len + 1, len = 0;
    char *place;
    int result;

    it->is_start = false;
    strbuf_clear(&it->input);
    place = strbuf_reserve(&it->input, room);
    result = challenge.len == 0 ? SASL_OK : sasl_decode64(challenge.data, (unsigned) challenge.len, place, room, &len);
    if (result != SASL_OK)
        return fail(result, why);
    strbuf_extend(&it->input, len);
    return run_step(login, threads, timeout, step_out, why);
}

struct str auth_login_remark(const struct auth_login *login)
{
    return str_from_c(login->remark);
}
