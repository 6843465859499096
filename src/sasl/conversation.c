/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/conversation.h"

#include "auth/auth_line.h"
#include "base/memory.h"
#include "run/offload.h"
#include "run/stream.h"
#include "sasl/library.h"
#include "sasl/log_lines.h"
#include "sasl/request.h"

#include <stdio.h>

enum {
    LIBRARY_SECONDS = 60,  /* a back end behind the library may hang; smtpd has given up long before */
    TURN_SECONDS = 18,     /* to wait for a thread: whoever asked gives up at 20, and is not worth one then */
    CLIENT_SECONDS = 3600, /* whoever logs in may think; smtpd says when it has waited enough */
    HELLO_SECONDS = 10,
};

/* What the library is to do, in its thread; memory of its own, as the fiber may not wait for it. */
struct job {
    void (*run)(struct job *job);
    struct sasl_service *service;
    struct instant asked; /* monotonic */
    struct arena *arena;
    struct library_exchange_options options;
    struct str mechanism, input;
    bool has_input;
    struct library_exchange *exchange;
    struct strbuf mechanisms, words;
    struct auth_answer answer;
    bool is_done;
    struct failure why;
};

struct conversation {
    struct sasl_service *service;
    struct daemon_session *session;
    struct arena *arena;
    struct str service_name, realm;
    struct library_exchange *exchange; /* NULL: none is under way */
    struct request_state state;
};

/* ---- the library's thread ---- */

static void do_hello(struct job *job)
{
    job->is_done = library_append_mechanisms(&job->options, &job->mechanisms, &job->why);
}

static void do_step(struct job *job)
{
    if (job->mechanism.len > 0) {
        library_exchange_destroy(&job->exchange);
        if (!library_exchange_create(&job->options, &job->exchange, &job->why))
            return;
    }
    library_exchange_step(job->exchange, job->mechanism, job->has_input, job->input, job->arena, &job->answer);
    if (job->answer.outcome != AUTH_CHALLENGED)
        library_exchange_destroy(&job->exchange);
    job->is_done = true;
}

static void do_forget(struct job *job)
{
    library_exchange_destroy(&job->exchange);
    job->is_done = true;
}

/* Else a crowd that a slow back end cannot serve would keep it busy for those who are gone, and for nobody else. */
static bool is_in_vain(const struct job *job)
{
    return job->run != do_forget && instant_since(clock_monotonic(), job->asked).us > seconds(TURN_SECONDS).us;
}

static void run_job(void *context)
{
    struct job *job = context;

    if (is_in_vain(job)) {
        (void) failure_set(&job->why, FAILURE_TIMEOUT, 0, "too many at once: one has waited too long for a turn");
        return;
    }
    library_gather(&job->words);
    job->run(job);
    library_gather(NULL);
}

static void free_job(struct job *job)
{
    strbuf_done(&job->mechanisms);
    strbuf_done(&job->words);
    arena_destroy(&job->arena);
    memory_free(job);
}

/* One that nobody waits for any more: its exchange is nobody's. */
static void release_job(void *context)
{
    struct job *job = context;

    job->service->hung--;
    library_exchange_destroy(&job->exchange);
    free_job(job);
}

/* ---- the fiber ---- */

static struct job *make_job(const struct conversation *conversation, void (*run)(struct job *job))
{
    struct job *job = memory_alloc(sizeof *job);
    struct arena *arena = arena_create();

    *job = (struct job){
        .run = run,
        .service = conversation->service,
        .asked = clock_monotonic(),
        .arena = arena,
        .options = { .service = arena_str(arena, conversation->service_name),
                     .host = arena_str(arena, conversation->service->host),
                     .realm = arena_str(arena, conversation->realm) },
        .exchange = conversation->exchange,
    };
    strbuf_init(&job->mechanisms, AUTH_LINE_MAXIMUM);
    strbuf_init(&job->words, LIBRARY_WORDS_MAXIMUM);
    return job;
}

static void tell(struct str words)
{
    struct str line, kind, text;
    bool has_more;

    do {
        char kind_c[20], text_c[500];

        has_more = str_cut(words, '\n', &line, &words);
        if (!str_cut(line, ':', &kind, &text))
            continue;
        text = str_trim_left(text);
        snprintf(kind_c, sizeof kind_c, "%.*s", STR_ARG(kind));
        snprintf(text_c, sizeof text_c, "%.*s", STR_ARG(text));
        log_sasl_library(kind_c, text_c);
    } while (has_more);
}

/* False: the library hangs or failed; then the job is gone. A process whose threads hang has a successor soon. */
static bool do_job(struct conversation *conversation, struct job *job, struct failure *why)
{
    struct sasl_service *service = conversation->service;

    conversation->exchange = NULL;
    if (!offload_run(service->offload, run_job, job, release_job, seconds(LIBRARY_SECONDS), why)) {
        if (++service->hung >= SASL_HUNG_MAXIMUM && !daemon_is_draining(conversation->session->daemon))
            daemon_begin_drain(conversation->session->daemon);
        return false;
    }
    tell(strbuf_str(&job->words));
    conversation->exchange = job->exchange;
    if (job->is_done)
        return true;
    *why = job->why;
    free_job(job);
    return false;
}

static bool send_text(struct conversation *conversation, struct str text, struct failure *why)
{
    struct stream *stream = conversation->session->stream;

    return stream_write(stream, text, why) && stream_flush(stream, why);
}

/* They are the same as long as the process lives. */
static bool find_mechanisms(struct conversation *conversation, struct failure *why)
{
    struct sasl_service *service = conversation->service;
    struct job *job;

    if (service->mechanisms.len > 0)
        return true;
    job = make_job(conversation, do_hello);
    if (!do_job(conversation, job, why)) {
        log_sasl_library("problem", why->text);
        return false;
    }
    service->mechanisms = arena_str(daemon_arena(conversation->session->daemon), strbuf_str(&job->mechanisms));
    free_job(job);
    return true;
}

static bool say_hello(struct conversation *conversation, struct failure *why)
{
    struct stream *stream = conversation->session->stream;

    conversation->state.has_met = true;
    stream_set_timeout(stream, seconds(CLIENT_SECONDS));
    return find_mechanisms(conversation, why) && stream_write(stream, STR("VERSION\t1\t2\n"), why) &&
           stream_write(stream, conversation->service->mechanisms, why) && send_text(conversation, STR("DONE\n"), why);
}

static void write_answer(struct strbuf *out, uint32_t id, const struct auth_answer *answer)
{
    switch (answer->outcome) {
    case AUTH_CHALLENGED:
        auth_line_begin(out, "CONT");
        auth_line_add_number(out, id);
        auth_line_add(out, answer->challenge);
        break;
    case AUTH_GRANTED:
        auth_line_begin(out, "OK");
        auth_line_add_number(out, id);
        auth_line_add_value(out, "user", answer->username);
        break;
    case AUTH_DENIED:
        auth_line_begin(out, "FAIL");
        auth_line_add_number(out, id);
        if (answer->username.len > 0)
            auth_line_add_value(out, "user", answer->username);
        auth_line_add_value(out, "reason", answer->reason);
        if (answer->is_servers_trouble)
            auth_line_add(out, STR("temp"));
        break;
    }
    auth_line_end(out);
}

static bool send_answer(struct conversation *conversation, const struct auth_answer *answer, struct failure *why)
{
    struct strbuf out;
    bool is_sent;

    strbuf_init(&out, STRBUF_UNLIMITED);
    write_answer(&out, conversation->state.id, answer);
    is_sent = send_text(conversation, strbuf_str(&out), why);
    strbuf_done(&out);
    return is_sent;
}

/* Anything the library cannot do is its own trouble, and the client's to try again. */
static bool answer(struct conversation *conversation, struct job *job, struct failure *why)
{
    const struct auth_answer trouble = { .outcome = AUTH_DENIED,
                                         .reason = STR("generic failure"),
                                         .is_servers_trouble = true };
    bool is_sent;

    if (!do_job(conversation, job, why)) {
        log_sasl_library("problem", why->text);
        return send_answer(conversation, &trouble, why);
    }
    is_sent = send_answer(conversation, &job->answer, why);
    free_job(job);
    return is_sent;
}

/* ---- what smtpd says ---- */

static bool bad(const char *what, struct failure *why)
{
    return failure_set(why, FAILURE_PROTOCOL, 0, "%s", what);
}

/* The library has read one file: another application has a service of its own. */
static bool take_application(struct conversation *conversation, const struct request *request, struct failure *why)
{
    if (request->application.len > 0 && !str_equal(request->application, conversation->service->application)) {
        log_sasl_application(request->application, conversation->service->application);
        return failure_set(why, FAILURE_CONFIGURATION, 0, "application");
    }
    if (request->service.len > 0)
        conversation->service_name = arena_str(conversation->arena, request->service);
    conversation->realm = arena_str(conversation->arena, request->realm);
    return true;
}

static void take_input(struct job *job, const struct request *request)
{
    job->has_input = request->has_input;
    job->input = arena_str(job->arena, request->input);
}

static bool begin_exchange(struct conversation *conversation, const struct request *request, struct failure *why)
{
    struct job *job;

    conversation->state.id = request->id;
    if (request->service.len > 0)
        conversation->service_name = arena_str(conversation->arena, request->service);
    job = make_job(conversation, do_step);
    job->mechanism = arena_str(job->arena, request->mechanism);
    take_input(job, request);
    return answer(conversation, job, why);
}

static bool continue_exchange(struct conversation *conversation, const struct request *request, struct failure *why)
{
    struct job *job = make_job(conversation, do_step);

    take_input(job, request);
    return answer(conversation, job, why);
}

static void forget(struct conversation *conversation)
{
    struct failure why;
    struct job *job;

    if (conversation->exchange == NULL)
        return;
    job = make_job(conversation, do_forget);
    if (do_job(conversation, job, &why))
        free_job(job);
}

static bool take(struct conversation *conversation, const struct auth_line *line, struct failure *why)
{
    struct request request;
    const char *what = "";

    conversation->state.is_challenged = conversation->exchange != NULL;
    if (!request_parse(line, &conversation->state, &request, &what))
        return bad(what, why);
    switch (request.kind) {
    case REQUEST_IS_NOTHING:
        return true;
    case REQUEST_APPLICATION:
        return take_application(conversation, &request, why);
    case REQUEST_HELLO:
        return say_hello(conversation, why);
    case REQUEST_START:
        return begin_exchange(conversation, &request, why);
    case REQUEST_CONTINUE:
        return continue_exchange(conversation, &request, why);
    case REQUEST_CANCEL:
        forget(conversation);
        return true;
    }
    return true;
}

static bool read_line(struct conversation *conversation, struct arena *arena, struct auth_line *line,
                      struct failure *why)
{
    struct str text;

    if (!daemon_session_read_line(conversation->session, STREAM_READ_MAX, &text, why))
        return false;
    if (text.data[text.len - 1] != '\n')
        return bad("a line without its end", why);
    auth_line_parse(line, arena_str(arena, str_part(text, 0, text.len - 1)), arena);
    return true;
}

void conversation_run(struct sasl_service *service, struct daemon_session *session)
{
    struct conversation conversation = {
        .service = service,
        .session = session,
        .arena = session->arena,
        .service_name = STR("smtp"),
    };
    struct arena *arena = arena_create(); /* of a line */
    struct auth_line line;
    struct failure why = { .kind = FAILURE_NONE };

    stream_set_timeout(session->stream, seconds(HELLO_SECONDS));
    while (read_line(&conversation, arena, &line, &why) && take(&conversation, &line, &why))
        arena_reset(arena);
    if (why.kind == FAILURE_PROTOCOL && !stream_is_at_end(session->stream))
        log_sasl_bad_client(why.text);
    forget(&conversation);
    arena_destroy(&arena);
}
