/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/proxy_filter.h"

#include "base/memory.h"
#include "base/strlist.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "smtpd/answer.h"
#include "smtpd/held_content.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/proxy_wire.h"
#include "smtpd/proxy_xforward.h"
#include "smtpd/server_dial.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

enum {
    GOODBYE_SECONDS = 10,
    WIRE_USUAL = 40 * 1024,
    NOBODYS_NOTICE = NOTICE_DELAY, /* an error that no notify_classes has: it is the filter's matter */
};

struct proxy_service {
    struct smtpd *smtpd;
    struct server_place place;
    struct held_content_file *file; /* with speed_adjust */
    unsigned goodbyes;
    struct event parted;
};

/* Of one transaction. */
struct proxy_filter {
    struct session *session;
    struct proxy_service *service;
    struct str mail;            /* as the client said it; in the transaction's arena */
    struct strlist recipients;  /* the same; with speed_adjust */
    struct str recipient_shown; /* the first */
    unsigned notice;            /* enum notice_class of the refusal that comes next */
    struct stream *stream;      /* NULL: not connected */
    bool has_failed;            /* it was lost: nothing more of this transaction can succeed */
    bool is_in_content;         /* it waits for lines, or for the dot */
    struct proxy_content content;
    struct strbuf wire;
    struct held_content *held; /* with speed_adjust */
};

/* What comes of a command. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_REFUSED, /* by a reply that the client may hear */
    OUTCOME_FAILED,  /* by one that it may not, or without any */
};

/* ---- the service ---- */

static bool has_speed_adjust(const struct smtpd *smtpd)
{
    return smtpd->settings->proxy_options.count > 0;
}

bool proxy_service_open(struct smtpd *smtpd, struct failure *why)
{
    struct str text = smtpd->settings->proxy_filter;
    struct proxy_service *service;

    if (str_is_empty(text) || smtpd->is_standalone)
        return true;
    service = arena_new(smtpd->arena, struct proxy_service);
    service->smtpd = smtpd;
    event_init(&service->parted);
    if (!server_place_parse(text, &service->place, why))
        return failure_prefix(why, "smtpd_proxy_filter");
    /* The current directory is the queue's. */
    if (has_speed_adjust(smtpd) && !held_content_file_open(".", &service->file, why))
        return failure_prefix(why, "smtpd_proxy_options");
    smtpd->proxy = service;
    return true;
}

void proxy_service_start(struct smtpd *smtpd)
{
    if (smtpd->proxy != NULL && smtpd->proxy->file != NULL)
        held_content_file_start(smtpd->proxy->file, smtpd->loop);
}

void proxy_service_stop(struct smtpd *smtpd)
{
    struct proxy_service *service = smtpd->proxy;

    if (service == NULL)
        return;
    while (service->goodbyes > 0)
        (void) !event_wait(smtpd->loop, &service->parted, DURATION_FOREVER, NULL);
    held_content_file_close(&service->file);
}

/* ---- connections ---- */

struct goodbye {
    struct proxy_service *service;
    struct stream *stream;
};

/* A fiber: the client does not wait for it. */
static void say_goodbye(void *context)
{
    struct goodbye *goodbye = context;
    struct proxy_service *service = goodbye->service;
    struct str line;
    struct failure why;

    if (!stream_write(goodbye->stream, STR("QUIT\r\n"), &why) || !stream_flush(goodbye->stream, &why) ||
        !stream_read_line(goodbye->stream, PROXY_REPLY_LINE_MAXIMUM, &line, &why))
        (void) 0;
    stream_destroy(&goodbye->stream);
    memory_free(goodbye);
    service->goodbyes--;
    event_wake_all(&service->parted);
}

static void part(struct proxy_filter *proxy)
{
    struct loop *loop = proxy->service->smtpd->loop;
    struct goodbye *goodbye;

    if (proxy->stream == NULL)
        return;
    goodbye = memory_alloc(sizeof *goodbye);
    goodbye->service = proxy->service;
    goodbye->stream = proxy->stream;
    proxy->stream = NULL;
    stream_set_deadline(goodbye->stream, instant_add(loop_now(loop), seconds(GOODBYE_SECONDS)));
    proxy->service->goodbyes++;
    fiber_start(loop, say_goodbye, goodbye);
}

/* Without a word: what it has of a message has no end. */
static void drop(struct proxy_filter *proxy)
{
    stream_destroy(&proxy->stream);
    proxy->is_in_content = false;
}

static struct str place_of(const struct proxy_filter *proxy)
{
    return proxy->service->place.text;
}

/* The connection is of no more use. */
static enum outcome break_off(struct proxy_filter *proxy)
{
    drop(proxy);
    proxy->has_failed = true;
    proxy->notice = NOTICE_SOFTWARE;
    return OUTCOME_FAILED;
}

/* The same, and the log has it. */
static enum outcome lose(struct proxy_filter *proxy, const struct failure *why)
{
    if (why->kind == FAILURE_TIMEOUT)
        log_proxy_timeout(place_of(proxy));
    else
        log_proxy_lost(place_of(proxy));
    return break_off(proxy);
}

static bool read_reply(struct proxy_filter *proxy, struct proxy_reply *reply, enum proxy_reply_state *state_out,
                       struct failure *why)
{
    struct arena *arena = proxy->session->command_arena;
    struct str line;

    *reply = (struct proxy_reply){ 0 };
    do {
        if (!stream_read_line(proxy->stream, PROXY_REPLY_LINE_MAXIMUM, &line, why))
            return false;
        *state_out = proxy_reply_take(reply, line, arena);
    } while (*state_out == PROXY_REPLY_OPEN);
    return true;
}

/* A whole reply has the time that else one read has. Nobody can say that it is what was asked for if there is more. */
static enum outcome hear(struct proxy_filter *proxy, struct str command, struct proxy_reply *reply)
{
    const struct smtpd *smtpd = proxy->service->smtpd;
    enum proxy_reply_state state = PROXY_REPLY_OPEN;
    struct failure why;
    bool is_heard;

    stream_set_deadline(proxy->stream, instant_add(loop_now(smtpd->loop), smtpd->settings->proxy_timeout));
    is_heard = read_reply(proxy, reply, &state, &why);
    stream_set_deadline(proxy->stream, STREAM_NO_DEADLINE);
    if (!is_heard)
        return lose(proxy, &why);
    if (reply->is_cut)
        log_proxy_reply_too_long(place_of(proxy), PROXY_REPLY_LINE_MAXIMUM, reply->lines.items[0]);
    if (state == PROXY_REPLY_COMPLETE)
        return OUTCOME_DONE;
    log_proxy_rejected(place_of(proxy), command, proxy_reply_shown(reply, proxy->session->command_arena));
    return break_off(proxy);
}

/* What it says before it is asked is no answer. */
static bool has_spoken_unasked(struct proxy_filter *proxy)
{
    struct failure why = { 0 };

    if (!stream_has_input(proxy->stream))
        return false;
    if (stream_buffered(proxy->stream).len == 0 && !stream_fill(proxy->stream, &why)) {
        lose(proxy, &why);
        return true;
    }
    log_proxy_unasked(place_of(proxy), stream_buffered(proxy->stream));
    break_off(proxy);
    return true;
}

/* wanted: the first digit of a reply that is well. */
static enum outcome judge(struct proxy_filter *proxy, struct str command, const struct proxy_reply *reply, int wanted)
{
    if (reply->code / 100 == wanted)
        return OUTCOME_DONE;
    log_proxy_rejected(place_of(proxy), command, proxy_reply_shown(reply, proxy->session->command_arena));
    if (reply->code / 100 == 4 || reply->code / 100 == 5) {
        proxy->notice = NOBODYS_NOTICE;
        return OUTCOME_REFUSED;
    }
    proxy->notice = NOTICE_SOFTWARE;
    return OUTCOME_FAILED;
}

static enum outcome ask(struct proxy_filter *proxy, struct str command, int wanted, struct proxy_reply *reply)
{
    enum outcome outcome;
    struct failure why;

    if (has_spoken_unasked(proxy))
        return OUTCOME_FAILED;
    if (!stream_write(proxy->stream, command, &why) || !stream_write(proxy->stream, STR("\r\n"), &why) ||
        !stream_flush(proxy->stream, &why))
        return lose(proxy, &why);
    outcome = hear(proxy, command, reply);
    return outcome == OUTCOME_DONE ? judge(proxy, command, reply, wanted) : outcome;
}

/* For the client; soft_bounce changes each line. */
static struct str pass_on(struct proxy_filter *proxy, const struct proxy_reply *reply)
{
    struct session *session = proxy->session;
    struct strlist lines = { 0 };
    struct proxy_reply softened = { .code = reply->code };

    for (size_t i = 0; i < reply->lines.count; i++)
        strlist_add_view(&lines, session->command_arena,
                         answer_soften(session, session->command_arena, reply->lines.items[i]));
    softened.lines = lines;
    return proxy_reply_text(&softened, session->command_arena);
}

static struct str reply_for(struct proxy_filter *proxy, enum outcome outcome, const struct proxy_reply *reply)
{
    history_next_is(proxy->session, proxy->notice);
    return outcome == OUTCOME_REFUSED ? pass_on(proxy, reply) : STR("451 4.3.0 Error: queue file write error");
}

/* ---- a transaction ---- */

static bool dial(struct proxy_filter *proxy)
{
    struct smtpd *smtpd = proxy->service->smtpd;
    struct duration timeout = smtpd->settings->proxy_timeout;
    struct failure why;
    int fd;

    if (server_dial(smtpd, &proxy->service->place, timeout, proxy->session->command_arena, &fd, &why) &&
        stream_create(smtpd->loop, fd, timeout, &proxy->stream, &why))
        return true;
    log_proxy_connect_failed(place_of(proxy), server_dial_reason(&why));
    proxy->notice = NOTICE_SOFTWARE;
    return false;
}

static enum outcome tell_origin(struct proxy_filter *proxy, const struct proxy_reply *features)
{
    struct strlist commands =
        proxy_xforward_commands(proxy->session, proxy_xforward_parse(&features->lines), proxy->session->command_arena);
    enum outcome outcome = OUTCOME_DONE;
    struct proxy_reply reply;

    for (size_t i = 0; outcome == OUTCOME_DONE && i < commands.count; i++)
        outcome = ask(proxy, commands.items[i], 2, &reply);
    return outcome == OUTCOME_REFUSED ? OUTCOME_FAILED : outcome;
}

/* The greeting, EHLO and XFORWARD: what goes wrong here is not the client's matter. */
static enum outcome greet(struct proxy_filter *proxy)
{
    struct session *session = proxy->session;
    static const struct str greeting = { "connection request", 18 };
    struct proxy_reply reply;
    enum outcome outcome = hear(proxy, greeting, &reply);

    if (outcome == OUTCOME_DONE)
        outcome = judge(proxy, greeting, &reply, 2);
    if (outcome == OUTCOME_DONE)
        outcome =
            ask(proxy, arena_join(session->command_arena, STR("EHLO "), session->settings->proxy_ehlo), 2, &reply);
    if (outcome == OUTCOME_DONE)
        outcome = tell_origin(proxy, &reply);
    return outcome == OUTCOME_REFUSED ? OUTCOME_FAILED : outcome;
}

/* Connects, up to MAIL. What fails here is tried again with the next recipient. */
static enum outcome open_session(struct proxy_filter *proxy, struct proxy_reply *reply)
{
    enum outcome outcome = dial(proxy) ? greet(proxy) : OUTCOME_FAILED;

    if (outcome == OUTCOME_DONE)
        outcome = ask(proxy, proxy->mail, 2, reply);
    if (outcome != OUTCOME_DONE) {
        part(proxy);
        proxy->has_failed = false;
    }
    return outcome;
}

/* "Error: ..." for a line that must not be passed on. */
static bool is_clean(struct str line, struct str *reply_out)
{
    if (proxy_command_is_clean(line))
        return true;
    *reply_out = STR("501 5.5.2 Error: control characters in command");
    return false;
}

bool proxy_filter_is_set(const struct session *session)
{
    return session->smtpd->proxy != NULL;
}

void proxy_filter_begin(struct session *session)
{
    struct transaction *transaction = &session->transaction;
    struct proxy_filter *proxy;

    if (!proxy_filter_is_set(session))
        return;
    proxy = memory_alloc(sizeof *proxy);
    proxy->session = session;
    proxy->service = session->smtpd->proxy;
    proxy->mail = arena_str(transaction->arena, session->line);
    proxy->content.replaces_returns = session->settings->replaces_stray_cr;
    strbuf_init(&proxy->wire, STRBUF_UNLIMITED);
    transaction->proxy = proxy;
}

/* The filter is there for recipients; or it is not needed yet. */
static enum outcome get_ready(struct proxy_filter *proxy, struct proxy_reply *reply)
{
    enum outcome outcome = OUTCOME_DONE;

    if (proxy->has_failed)
        return OUTCOME_FAILED;
    if (proxy->service->file != NULL && proxy->held != NULL)
        return OUTCOME_DONE;
    if (proxy->service->file != NULL)
        proxy->held = held_content_create(proxy->service->file);
    else if (proxy->stream == NULL)
        outcome = open_session(proxy, reply);
    else
        return OUTCOME_DONE;
    if (outcome == OUTCOME_DONE)
        log_client(proxy->session);
    return outcome;
}

bool proxy_filter_open_early(struct session *session, struct str *reply_out)
{
    struct proxy_filter *proxy = session->transaction.proxy;
    struct proxy_reply reply;
    enum outcome outcome;

    if (!is_clean(proxy->mail, reply_out))
        return false;
    outcome = get_ready(proxy, &reply);
    if (outcome == OUTCOME_DONE)
        return true;
    *reply_out = reply_for(proxy, outcome, &reply);
    return false;
}

bool proxy_filter_add_recipient(struct session *session, struct str shown, struct str *reply_out)
{
    struct transaction *transaction = &session->transaction;
    struct proxy_filter *proxy = transaction->proxy;
    struct proxy_reply reply;
    enum outcome outcome;

    if (!is_clean(proxy->mail, reply_out) || !is_clean(session->line, reply_out))
        return false;
    outcome = get_ready(proxy, &reply);
    if (outcome == OUTCOME_DONE && proxy->held == NULL)
        outcome = ask(proxy, session->line, 2, &reply);
    if (outcome != OUTCOME_DONE) {
        *reply_out = reply_for(proxy, outcome, &reply);
        return false;
    }
    if (proxy->held != NULL)
        strlist_add(&proxy->recipients, transaction->arena, session->line);
    if (proxy->recipient_shown.len == 0)
        proxy->recipient_shown = arena_str(transaction->arena, shown);
    return true;
}

static enum outcome ask_data(struct proxy_filter *proxy, struct proxy_reply *reply)
{
    enum outcome outcome = ask(proxy, STR("DATA"), 3, reply);

    proxy->is_in_content = outcome == OUTCOME_DONE;
    /* It may take what comes next for content, or not: nobody can know. */
    if (outcome == OUTCOME_FAILED && proxy->stream != NULL) {
        part(proxy);
        proxy->has_failed = true;
    }
    return outcome;
}

bool proxy_filter_begin_content(struct session *session, struct str *reply_out)
{
    struct proxy_filter *proxy = session->transaction.proxy;
    struct proxy_reply reply;
    enum outcome outcome = OUTCOME_FAILED;

    if (proxy->held != NULL)
        return true;
    if (!proxy->has_failed)
        outcome = ask_data(proxy, &reply);
    if (outcome == OUTCOME_DONE)
        return true;
    *reply_out = reply_for(proxy, outcome, &reply);
    return false;
}

/* ---- content ---- */

static bool send_wire(struct proxy_filter *proxy, struct failure *why)
{
    if (!stream_write(proxy->stream, strbuf_str(&proxy->wire), why))
        return false;
    strbuf_clear(&proxy->wire);
    return true;
}

static bool send_piece(struct proxy_filter *proxy, struct str piece, struct failure *why)
{
    if (proxy->has_failed)
        return failure_set(why, FAILURE_RETRY, 0, "the filter was lost");
    strbuf_reserve(&proxy->wire, WIRE_USUAL);
    proxy_content_append(&proxy->content, piece, &proxy->wire);
    if (send_wire(proxy, why))
        return true;
    lose(proxy, why);
    return false;
}

bool proxy_filter_write(struct session *session, struct str bytes, struct failure *why)
{
    struct proxy_filter *proxy = session->transaction.proxy;

    if (proxy->held == NULL)
        return send_piece(proxy, bytes, why);
    if (held_content_add(proxy->held, bytes, why))
        return true;
    log_cleanup_trouble(session, why->text);
    return false;
}

/* The dot only where all before it went well; and what the filter says now was not said before. */
static enum outcome end_content(struct proxy_filter *proxy, struct proxy_reply *reply)
{
    static const struct str dot = { "end of content", 14 };
    struct failure why;

    if (proxy->has_failed)
        return OUTCOME_FAILED;
    proxy_content_complete(&proxy->content, &proxy->wire);
    if (!send_wire(proxy, &why) || !stream_flush(proxy->stream, &why))
        return lose(proxy, &why);
    if (has_spoken_unasked(proxy))
        return OUTCOME_FAILED;
    if (!stream_write(proxy->stream, STR(".\r\n"), &why) || !stream_flush(proxy->stream, &why))
        return lose(proxy, &why);
    if (hear(proxy, dot, reply) != OUTCOME_DONE)
        return OUTCOME_FAILED;
    proxy->is_in_content = false;
    if (reply->code / 100 == 2)
        return OUTCOME_DONE;
    if (reply->code / 100 == 4 || reply->code / 100 == 5)
        return OUTCOME_REFUSED;
    return judge(proxy, dot, reply, 2);
}

static enum outcome send_held(struct proxy_filter *proxy)
{
    struct session *session = proxy->session;
    struct failure why;
    struct str piece;

    do {
        if (!held_content_next(proxy->held, &piece, &why)) {
            log_cleanup_trouble(session, why.text);
            return break_off(proxy);
        }
        if (!send_piece(proxy, piece, &why))
            return OUTCOME_FAILED;
    } while (piece.len > 0);
    return OUTCOME_DONE;
}

/* With speed_adjust: all of the transaction in one go. */
static enum outcome replay(struct proxy_filter *proxy, struct proxy_reply *reply)
{
    enum outcome outcome = open_session(proxy, reply);

    for (size_t i = 0; outcome == OUTCOME_DONE && i < proxy->recipients.count; i++)
        outcome = ask(proxy, proxy->recipients.items[i], 2, reply);
    if (outcome == OUTCOME_DONE)
        outcome = ask_data(proxy, reply);
    return outcome == OUTCOME_DONE ? send_held(proxy) : outcome;
}

bool proxy_filter_finish(struct session *session, struct str *reply_out)
{
    struct proxy_filter *proxy = session->transaction.proxy;
    enum outcome outcome = OUTCOME_DONE;
    struct proxy_reply reply;

    if (proxy->held != NULL)
        outcome = replay(proxy, &reply);
    if (outcome == OUTCOME_DONE)
        outcome = end_content(proxy, &reply);
    if (outcome == OUTCOME_REFUSED)
        proxy->notice = NOTICE_POLICY;
    *reply_out = outcome == OUTCOME_DONE ? pass_on(proxy, &reply) : reply_for(proxy, outcome, &reply);
    log_proxy_verdict(session, outcome == OUTCOME_DONE,
                      outcome == OUTCOME_FAILED ? *reply_out : proxy_reply_shown(&reply, session->command_arena),
                      proxy->recipient_shown);
    return outcome == OUTCOME_DONE;
}

void proxy_filter_log_refusal(struct session *session, struct str reply)
{
    log_proxy_verdict(session, false, reply, session->transaction.proxy->recipient_shown);
}

void proxy_filter_end(struct proxy_filter **pointer)
{
    struct proxy_filter *proxy = *pointer;

    if (proxy == NULL)
        return;
    *pointer = NULL;
    if (proxy->is_in_content)
        drop(proxy);
    else
        part(proxy);
    held_content_destroy(&proxy->held);
    strbuf_done(&proxy->wire);
    memory_free(proxy);
}
