/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/filtering_private.h"
#include "cleanup/log_lines.h"
#include "cleanup/service.h"
#include "protocol/proxymap.h"

/*
 * Mail that was not sent by SMTP, for milters that know nothing else: localhost has connected, said HELO, and sent it.
 */
static const struct milter_client localhost = { .name = { "localhost", 9 }, .address = { "127.0.0.1", 9 } };

/* ---- connecting: proxymap does it ---- */

static bool dial(void *context, const struct milter_service *milter, int *fd_out, struct failure *why)
{
    struct filtering *filtering = context;
    struct service *service = filtering->message->service;
    struct proxymap_connect request = { .place = milter->name };
    struct arena *arena = arena_create();
    const struct proxymap_connected *connected;
    bool is_good;
    void *reply;

    request.timeout_s = (uint64_t) duration_seconds(milter->connect_timeout);
    is_good = endpoint_ask(
        service->proxymap, &proxymap_connect_message, &request, &proxymap_connected_message, arena,
        seconds(duration_seconds(milter->connect_timeout) + duration_seconds(service->shared->ipc_timeout)), &reply,
        why);
    if (is_good) {
        connected = reply;
        *fd_out = connected->fd;
        if (connected->fd < 0)
            is_good = failure_set(why, connected->is_timeout ? FAILURE_TIMEOUT : FAILURE_RETRY, 0, "%.*s",
                                  STR_ARG(connected->reason));
    }
    arena_destroy(&arena);
    return is_good;
}

/* ---- macros ---- */

static bool find_macro(void *context, struct str name, struct strbuf *value)
{
    const struct filtering *filtering = context;
    const struct message *message = filtering->message;
    const struct milter_settings *settings = message->service->milter_settings;
    const struct {
        struct str name;
        struct str value;
    } macros[] = {
        { STR("i"), message->queue_id },
        { STR("j"), message->service->shared->myhostname },
        { STR("_"), STR("localhost [127.0.0.1]") },
        { STR("v"), settings->macro_v },
        { STR("daemon_name"), settings->macro_daemon_name },
        { STR("daemon_addr"), STR("127.0.0.1") },
        { STR("client_addr"), localhost.address },
        { STR("client_name"), localhost.name },
        { STR("client_ptr"), localhost.name },
        { STR("client_port"), STR("0") },
        { STR("mail_addr"), message->envelope.sender },
        { STR("rcpt_addr"), filtering->recipient },
    };

    for (size_t i = 0; i < ARRAY_COUNT(macros); i++) {
        if (!str_equal(macros[i].name, name))
            continue;
        strbuf_append(value, macros[i].value);
        return i + 1 < ARRAY_COUNT(macros) || filtering->recipient.len > 0;
    }
    return false;
}

struct milters *filtering_connect(struct filtering *filtering)
{
    struct service *service = filtering->message->service;
    struct milters_options options = {
        .loop = service->loop,
        .settings = service->milter_settings,
        .dial = dial,
        .dial_context = filtering,
        .macro = find_macro,
        .macro_context = filtering,
    };

    return milters_create(&options, &service->milters);
}

/* ---- events ---- */

static bool obey(struct filtering *filtering, struct milter_verdict verdict, const char *stage)
{
    bool goes_on = filtering_obey(filtering, &verdict, stage, filtering->recipient);

    arena_reset(filtering->arena);
    return goes_on;
}

/* There is nobody who could be told that one of several recipients was refused: the mail waits for a better milter. */
static bool tell_recipient(struct filtering *filtering, struct str address)
{
    struct message *message = filtering->message;
    struct strlist arguments = { 0 };
    struct milter_verdict verdict;

    filtering->recipient = address;
    strlist_add_view(&arguments, filtering->arena, address);
    verdict = milters_rcpt(filtering->milters, &arguments, filtering->arena);
    if (obey(filtering, verdict, "RCPT"))
        return true;
    if (!message_is_good(message)) {
        log_milter_refuses_recipient(message->queue_id);
        message->status = CLEANUP_DEFERRED;
    }
    return false;
}

static bool tell_recipients(struct filtering *filtering)
{
    const struct envelope *envelope = &filtering->message->envelope;
    struct str told = STR_EMPTY;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        struct str address = recipient->original.len > 0 ? recipient->original : recipient->address;

        /* What an alias became is one recipient, as an SMTP client would have named it. */
        if (i > 0 && str_equal(address, told))
            continue;
        told = address;
        if (!tell_recipient(filtering, address))
            return false;
    }
    return true;
}

bool filtering_simulate(struct filtering *filtering)
{
    struct milters *milters = filtering->milters;
    struct strlist arguments = { 0 };
    struct arena *arena = filtering->arena;

    filtering->recipient = STR_EMPTY;
    if (!obey(filtering, milters_connect(milters, &localhost, arena), "CONNECT") ||
        !obey(filtering, milters_helo(milters, localhost.name, arena), "HELO"))
        return false;
    strlist_add_view(&arguments, filtering->message->arena, filtering->message->envelope.sender);
    return obey(filtering, milters_mail(milters, &arguments, arena), "MAIL") && tell_recipients(filtering) &&
           obey(filtering, milters_data(milters, arena), "DATA");
}
