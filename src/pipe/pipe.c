/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/pipe.h"

#include "config/shared_settings.h"
#include "delivery/command_arguments.h"
#include "delivery/command_end.h"
#include "delivery/command_environment.h"
#include "delivery/command_run.h"
#include "delivery/command_user.h"
#include "delivery/message_flags.h"
#include "log/log.h"
#include "pipe/message.h"
#include "run/loop.h"
#include "run/stream.h"

enum { OUTPUT_MAX = 4096, SUCCESS_OUTPUT_MAX = 100, RIGHTS_SECONDS = 5 };

#define CONFIGURATION_ERROR "mail system configuration error"

static void report_all(const struct pipe *pipe, struct delivery *delivery, struct delivery_report *report)
{
    report->relay = pipe->service;
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        if (report->dsn.class == 2)
            delivery_sent(delivery, i, report);
        else if (report->dsn.class == 4)
            delivery_deferred(delivery, i, report);
        else
            delivery_bounced(delivery, i, report);
    }
}

/* ---- before the command runs ---- */

/* What the administrator has to mend is said in the log and in the queue's listing. */
static void defer_for_administrator(const struct pipe *pipe, struct delivery *delivery, const char *text)
{
    struct delivery_report report = { .dsn = DSN_STATUS(4, 3, 5) };

    log_warning("%.*s: %s", STR_ARG(pipe->service), text);
    report.text = arena_printf(delivery->arena, CONFIGURATION_ERROR ": %s", text);
    report_all(pipe, delivery, &report);
}

static bool is_too_large(const struct pipe *pipe, struct delivery *delivery)
{
    uint64_t limit = (uint64_t) pipe->attributes.size_limit;
    uint64_t size = delivery->request->size + delivery->request->lines;
    struct delivery_report report = { .dsn = DSN_STATUS(5, 2, 3), .text = STR("message too large") };

    if (limit == 0 || size <= limit)
        return false;
    report_all(pipe, delivery, &report);
    return true;
}

/* ---- the command ---- */

struct feeding {
    struct loop *loop;
    const struct deliver_request *request;
    struct message_form form;
    bool is_fed;
};

static bool write_message(struct stream *input, void *context, struct failure *why)
{
    struct feeding *feeding = context;

    feeding->is_fed = false;
    if (!message_write(input, feeding->loop, feeding->request, &feeding->form, why))
        return false;
    feeding->is_fed = stream_unsent(input) == 0 || stream_flush(input, NULL);
    return true;
}

static struct message_form form_of(const struct pipe *pipe, const struct delivery *delivery)
{
    struct str sender = delivery->request->sender;

    return (struct message_form){
        .flags = pipe->attributes.flags,
        .eol = pipe->attributes.eol,
        .sender = str_is_empty(sender) ? pipe->attributes.null_sender : sender,
        .recipient = &delivery->recipients[0],
    };
}

static const char *path_or_null(struct arena *arena, struct str path)
{
    return str_is_empty(path) ? NULL : arena_c(arena, path);
}

static bool make_argv(const struct pipe *pipe, const struct delivery *delivery, const char *const **argv_out,
                      struct failure *why)
{
    const struct command_argument_source source = {
        .request = delivery->request,
        .recipients = delivery->recipients,
        .recipient_count = delivery->recipient_count,
        .flags = pipe->attributes.flags,
        .null_sender = pipe->attributes.null_sender,
        .delimiters = pipe->shared->recipient_delimiter,
        .is_owner_special = pipe->settings->owner_request_special,
    };

    return command_arguments_expand(&pipe->attributes.argv, &source, delivery->arena, argv_out, why);
}

static bool run_command(const struct pipe *pipe, struct delivery *delivery, struct child_result *result_out,
                        struct failure *why)
{
    struct feeding feeding = { pipe->loop, delivery->request, form_of(pipe, delivery), false };
    const struct command_feed feed = { write_message, &feeding };
    const struct child_identity identity = { pipe->rights.uid, pipe->rights.gid, &pipe->rights.gid, 1 };
    struct child_command command = {
        .root = path_or_null(delivery->arena, pipe->attributes.root),
        .directory = path_or_null(delivery->arena, pipe->attributes.directory),
        .identity = &identity,
        .output_max = OUTPUT_MAX,
        .timeout = pipe->settings->time_limit,
    };
    struct command_environment environment;

    command_environment_init(&environment, delivery->arena, &pipe->settings->export_environment);
    command.environment = command_environment_list(&environment);
    if (!make_argv(pipe, delivery, &command.argv, why) ||
        !command_run(pipe->loop, &command, &feed, delivery->arena, result_out, why))
        return false;
    if (result_out->end == CHILD_TIMED_OUT)
        log_warning("pipe_command_%s time limit exceeded", feeding.is_fed ? "read: read" : "write: write");
    return true;
}

/* ---- its end ---- */

static void report_end(const struct pipe *pipe, struct delivery *delivery, const struct child_result *result)
{
    struct command_end end = command_end_judge(delivery->arena, result, pipe->attributes.argv.items[0]);
    struct delivery_report report = { .dsn = end.dsn, .text = end.text, .diagnostic = end.diagnostic };

    if (end.dsn.class == 2) {
        report.text = arena_printf(delivery->arena, "delivered via %.*s service", STR_ARG(pipe->service));
        if (!str_is_empty(end.output))
            report.text = arena_printf(delivery->arena, "%.*s (%.*s)", STR_ARG(report.text),
                                       STR_ARG(str_part(end.output, 0, SUCCESS_OUTPUT_MAX)));
        report.action = (pipe->attributes.flags & COMMAND_IS_FINAL) != 0 ? STR("delivered") : STR("relayed");
    }
    if (!str_is_empty(report.diagnostic))
        report.diagnostic_type = STR("x-unix");
    report_all(pipe, delivery, &report);
}

/* The command might be mended, the place it runs in too: both are tried again. */
static void report_not_started(const struct pipe *pipe, struct delivery *delivery, const struct failure *why)
{
    struct delivery_report report = { .dsn = DSN_STATUS(4, 3, 0), .text = STR("temporary failure") };

    if (why->kind == FAILURE_CONFIGURATION) {
        log_fatal("%s", why->text);
    } else {
        log_fatal("pipe_command: execvp %s", why->text);
        report.text = arena_printf(
            delivery->arena, "temporary failure. Command output: pipe: fatal: pipe_command: execvp %s ", why->text);
    }
    report_all(pipe, delivery, &report);
}

/* What is asked is whether it could be delivered: nothing is run. */
static void report_trial(const struct pipe *pipe, struct delivery *delivery)
{
    struct delivery_report report = {
        .dsn = DSN_STATUS(2, 0, 0),
        .text = arena_printf(delivery->arena, "delivers to command: %.*s", STR_ARG(pipe->attributes.argv.items[0])),
    };

    report_all(pipe, delivery, &report);
}

static bool find_rights(struct pipe *pipe, struct failure *why)
{
    struct instant now = loop_now(pipe->loop);

    if (instant_is_before(now, pipe->rights_known_until))
        return true;
    if (!command_user_find(&pipe->attributes, pipe->shared, &pipe->rights, why))
        return false;
    pipe->rights_known_until = instant_add(now, seconds(RIGHTS_SECONDS));
    return true;
}

void pipe_deliver(struct pipe *pipe, struct delivery *delivery)
{
    struct child_result result;
    struct failure why;

    if (!pipe->is_usable)
        defer_for_administrator(pipe, delivery, pipe->fault.text);
    else if (!find_rights(pipe, &why))
        defer_for_administrator(pipe, delivery, why.text);
    else if (is_too_large(pipe, delivery) ||
             message_flags_end_delivery(delivery, pipe->attributes.flags, "pipe ", pipe->service))
        return;
    else if ((delivery->request->flags & DELIVER_FLAG_VERIFY) != 0)
        report_trial(pipe, delivery);
    else if (run_command(pipe, delivery, &result, &why))
        report_end(pipe, delivery, &result);
    else
        report_not_started(pipe, delivery, &why);
}
