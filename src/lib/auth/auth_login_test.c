/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_login.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "unit.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>
#include <stdio.h>

/* A login at a server that says what it is told to, and what the client says to it. */
struct stage {
    const char *mechanisms; /* that the server offers */
    const char *words[3];   /* smtp_sasl_security_options */
    const char *user, *password;
    bool names_itself;
    const char *challenges[3]; /* as they are; the client's side of base64 is done here */
    bool is_raw;               /* they are sent as they are, though no base64 */

    struct loop *loop;
    bool is_refused;    /* the library found an end to it */
    char said[4][300];  /* decoded: the initial response ("none": there was none), then answers */
    char mechanism[30]; /* that it chose */
    char reason[600], remark[600];
};

static void decode(struct str text, char *place, size_t size)
{
    unsigned len = 0;

    EXPECT(text.len == 0 || sasl_decode64(text.data, (unsigned) text.len, place, (unsigned) size, &len) == SASL_OK);
    for (unsigned i = 0; i < len; i++) {
        if (place[i] == '\0' || place[i] == '\001')
            place[i] = '|';
    }
    place[len] = '\0';
}

static struct str encode(const char *challenge, bool is_raw, char *place, unsigned size)
{
    unsigned len;

    if (is_raw)
        return str_from_c(challenge);
    EXPECT(sasl_encode64(challenge, (unsigned) strlen(challenge), place, size, &len) == SASL_OK);
    return str_make(place, len);
}

static bool answer_challenges(struct stage *stage, struct auth_login **login, struct offload *threads,
                              struct failure *why)
{
    struct auth_step step;
    char text[500];

    for (size_t i = 0; i < ARRAY_COUNT(stage->challenges) && stage->challenges[i] != NULL; i++) {
        if (!auth_login_continue(login, threads, encode(stage->challenges[i], stage->is_raw, text, sizeof text),
                                 seconds(20), &step, why))
            return false;
        decode(step.response, stage->said[i + 1], sizeof stage->said[i + 1]);
    }
    return true;
}

static void log_in(void *context)
{
    struct stage *stage = context;
    struct strlist words = { .count = 0 };
    struct arena *arena = arena_create();
    struct offload *threads = auth_login_threads(stage->loop);
    struct auth_login_options options = { .service = "smtp",
                                          .host = STR("mail.example.test"),
                                          .username = str_from_c(stage->user),
                                          .password = str_from_c(stage->password),
                                          .names_itself = stage->names_itself };
    struct auth_login *login;
    struct auth_step step;
    struct failure why = { .kind = FAILURE_NONE };

    for (size_t i = 0; i < ARRAY_COUNT(stage->words) && stage->words[i] != NULL; i++)
        strlist_add(&words, arena, str_from_c(stage->words[i]));
    options.security = auth_security_of(&words);
    login = auth_login_create(&options);
    stage->is_refused = !auth_login_start(&login, threads, str_from_c(stage->mechanisms), seconds(20), &step, &why);
    if (!stage->is_refused) {
        snprintf(stage->mechanism, sizeof stage->mechanism, "%.*s", STR_ARG(step.mechanism));
        snprintf(stage->said[0], sizeof stage->said[0], "none");
        if (step.has_response)
            decode(step.response, stage->said[0], sizeof stage->said[0]);
        stage->is_refused = !answer_challenges(stage, &login, threads, &why);
    }
    snprintf(stage->reason, sizeof stage->reason, "%s", why.text);
    if (login != NULL)
        snprintf(stage->remark, sizeof stage->remark, "%.*s", STR_ARG(auth_login_remark(login)));
    auth_login_destroy(&login);
    EXPECT(login == NULL);
    offload_destroy(&threads);
    arena_destroy(&arena);
}

static void play(struct stage *stage)
{
    static bool is_loaded;

    if (!is_loaded)
        EXPECT(auth_login_load(NULL));
    is_loaded = true;
    stage->loop = loop_create();
    fiber_run(stage->loop, log_in, stage);
    loop_destroy(&stage->loop);
}

static void expect(struct stage stage, const char *mechanism, const char *first, const char *second, const char *third)
{
    play(&stage);
    EXPECT_FALSE(stage.is_refused);
    EXPECT_STR(str_from_c(stage.mechanism), str_from_c(mechanism));
    EXPECT_STR(str_from_c(stage.said[0]), str_from_c(first));
    EXPECT_STR(str_from_c(stage.said[1]), str_from_c(second));
    EXPECT_STR(str_from_c(stage.said[2]), str_from_c(third));
}

TEST(a_password_is_said_in_the_words_of_the_mechanism)
{
    expect((struct stage){ .mechanisms = "PLAIN", .user = "bob", .password = "secret word" }, "PLAIN",
           "|bob|secret word", "", "");
    expect((struct stage){ .mechanisms = "PLAIN", .user = "bob", .password = "x", .names_itself = true }, "PLAIN",
           "bob|bob|x", "", "");
    expect(
        (struct stage){
            .mechanisms = "LOGIN", .user = "bob", .password = "x", .challenges = { "Username:", "Password:" } },
        "LOGIN", "none", "bob", "x");
    /* RFC 2195 section 2 */
    expect((struct stage){ .mechanisms = "CRAM-MD5",
                           .user = "tim",
                           .password = "tanstaaftanstaaf",
                           .challenges = { "<1896.697170952@postoffice.reston.mci.net>" } },
           "CRAM-MD5", "none", "tim b913a602c7eda7a495b4e6e7334d3890", "");
}

TEST(the_best_of_what_is_offered_and_allowed_is_chosen)
{
    expect((struct stage){ .mechanisms = "LOGIN PLAIN CRAM-MD5", .user = "bob", .password = "x" }, "CRAM-MD5", "none",
           "", "");
    expect((struct stage){ .mechanisms = "NOSUCH PLAIN", .user = "bob", .password = "x" }, "PLAIN", "|bob|x", "", "");
    expect(
        (struct stage){ .mechanisms = "ANONYMOUS PLAIN", .words = { "noanonymous" }, .user = "bob", .password = "x" },
        "PLAIN", "|bob|x", "", "");
}

TEST(where_nothing_is_left_the_library_says_so)
{
    struct stage stages[] = {
        { .mechanisms = "PLAIN LOGIN", .words = { "noplaintext", "noanonymous" }, .user = "bob", .password = "x" },
        { .mechanisms = "NOSUCH", .user = "bob", .password = "x" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(stages); i++) {
        play(&stages[i]);
        EXPECT(stages[i].is_refused);
        EXPECT_STR(str_from_c(stages[i].reason), STR("no mechanism available"));
        EXPECT_STR(str_from_c(stages[i].remark), STR("SASL authentication failure: No worthy mechs found"));
    }
}

TEST(what_a_server_says_badly_ends_the_exchange_and_nothing_else)
{
    struct stage stages[] = {
        { .mechanisms = "CRAM-MD5", .user = "bob", .password = "x", .challenges = { "!!!" }, .is_raw = true },
        { .mechanisms = "SCRAM-SHA-1", .user = "bob", .password = "x", .challenges = { "r=,s=,i=" } },
        { .mechanisms = "SCRAM-SHA-256", .user = "bob", .password = "x", .challenges = { "nonsense" } },
        { .mechanisms = "DIGEST-MD5", .user = "bob", .password = "x", .challenges = { "realm=" } },
        { .mechanisms = "PLAIN", .user = "bob", .password = "x", .challenges = { "more?", "more?" } },
    };

    for (size_t i = 0; i < ARRAY_COUNT(stages); i++) {
        play(&stages[i]);
        EXPECT(stages[i].is_refused);
        EXPECT(stages[i].reason[0] != '\0');
    }
}

/* ---- a mechanism that is no plug-in of Debian's: the token is what stands as the password ---- */

static int xoauth2_new(void *glob, sasl_client_params_t *params, void **context)
{
    (void) glob;
    (void) params;
    *context = NULL;
    return SASL_OK;
}

static int xoauth2_step(void *context, sasl_client_params_t *params, const char *input, unsigned input_len,
                        sasl_interact_t **prompts, const char **output, unsigned *output_len,
                        sasl_out_params_t *out_params)
{
    static char text[200];
    sasl_getsimple_t *get_name;
    sasl_getsecret_t *get_secret;
    void *name_context, *secret_context;
    const char *name;
    sasl_secret_t *secret;

    (void) context;
    (void) input;
    (void) input_len;
    (void) prompts;
    if (params->utils->getcallback(params->utils->conn, SASL_CB_AUTHNAME, (sasl_callback_ft *) &get_name,
                                   &name_context) != SASL_OK ||
        params->utils->getcallback(params->utils->conn, SASL_CB_PASS, (sasl_callback_ft *) &get_secret,
                                   &secret_context) != SASL_OK ||
        get_name(name_context, SASL_CB_AUTHNAME, &name, NULL) != SASL_OK ||
        get_secret(params->utils->conn, secret_context, SASL_CB_PASS, &secret) != SASL_OK ||
        params->canon_user(params->utils->conn, name, 0, SASL_CU_AUTHID | SASL_CU_AUTHZID, out_params) != SASL_OK)
        return SASL_FAIL;
    snprintf(text, sizeof text, "user=%s\001auth=Bearer %.*s\001\001", name, (int) secret->len,
             (const char *) secret->data);
    *output = text;
    *output_len = (unsigned) strlen(text);
    out_params->doneflag = 1;
    return SASL_OK;
}

static int xoauth2_init(const sasl_utils_t *utils, int max_version, int *version_out, sasl_client_plug_t **list_out,
                        int *count_out)
{
    static char name[] = "XOAUTH2";
    static sasl_client_plug_t plug = { .mech_name = name,
                                       .security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT,
                                       .features = SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY,
                                       .mech_new = xoauth2_new,
                                       .mech_step = xoauth2_step };

    (void) utils;
    (void) max_version;
    *version_out = SASL_CLIENT_PLUG_VERSION;
    *list_out = &plug;
    *count_out = 1;
    return SASL_OK;
}

TEST(a_plug_in_for_tokens_has_the_password_for_one)
{
    play(&(struct stage){ .mechanisms = "PLAIN", .user = "bob", .password = "x" });
    EXPECT_INT(sasl_client_add_plugin("xoauth2", xoauth2_init), SASL_OK);
    expect((struct stage){ .mechanisms = "XOAUTH2", .user = "bob@example.test", .password = "ya29.token" }, "XOAUTH2",
           "user=bob@example.test|auth=Bearer ya29.token||", "", "");
}
