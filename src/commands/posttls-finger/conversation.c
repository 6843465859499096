/* SPDX-License-Identifier: Apache-2.0 */
#include "posttls-finger/conversation.h"

#include "posttls-finger/say.h"
#include "run/loop.h"
#include "run/stream.h"

void conversation_begin(struct conversation *conversation, struct stream *stream)
{
    conversation->stream = stream;
    smtp_reply_init(&conversation->reply);
}

void conversation_end(struct conversation *conversation)
{
    stream_destroy(&conversation->stream);
    smtp_reply_done(&conversation->reply);
}

static bool read_lines(struct conversation *conversation, struct failure *why)
{
    enum smtp_reply_progress progress = SMTP_REPLY_MORE;
    struct str line;

    while (progress == SMTP_REPLY_MORE) {
        if (!stream_read_line(conversation->stream, SMTP_REPLY_LINE_MAX, &line, why))
            return false;
        line = str_trim_right(line);
        if (!conversation->options->is_quiet)
            say("< %.*s", STR_ARG(line));
        progress = smtp_reply_add_line(&conversation->reply, line);
    }
    if (progress == SMTP_REPLY_BROKEN)
        conversation->reply.code = 0;
    return true;
}

bool conversation_read(struct conversation *conversation, struct duration timeout, struct failure *why)
{
    struct stream *stream = conversation->stream;
    bool is_read;

    smtp_reply_clear(&conversation->reply);
    stream_set_deadline(stream, instant_add(loop_now(stream_loop(stream)), timeout));
    is_read = read_lines(conversation, why);
    stream_set_deadline(stream, STREAM_NO_DEADLINE);
    return is_read;
}

bool conversation_ask(struct conversation *conversation, struct str words, struct failure *why)
{
    if (!conversation->options->is_quiet)
        say("> %.*s", STR_ARG(words));
    return stream_printf(conversation->stream, why, "%.*s\r\n", STR_ARG(words)) &&
           stream_flush(conversation->stream, why) &&
           conversation_read(conversation, conversation->options->command_timeout, why);
}

static bool offers_tls(const struct smtp_reply *reply)
{
    struct str line, word;
    size_t place = 0;
    bool is_first = true;

    while (smtp_reply_next_line(reply, &place, &line)) {
        if (!is_first && str_next_word(&line, " \t", &word) && str_equal_nocase(word, STR("STARTTLS")))
            return true;
        is_first = false;
    }
    return false;
}

void conversation_tell_lost(const struct failure *why, const char *doing)
{
    say("%s while %s", why->kind == FAILURE_TIMEOUT ? "timeout" : "lost connection", doing);
}

bool conversation_introduce(struct conversation *conversation, bool *offers_tls_out)
{
    const char *verb = conversation->options->is_lmtp ? "LHLO" : "EHLO";
    struct str words = arena_printf(conversation->arena, "%s %.*s", verb, STR_ARG(conversation->own_name)), text;
    struct failure why;

    if (!conversation_ask(conversation, words, &why)) {
        conversation_tell_lost(&why, arena_printf(conversation->arena, "sending %s", verb).data);
        return false;
    }
    *offers_tls_out = offers_tls(&conversation->reply);
    if (smtp_reply_class(&conversation->reply) == 2)
        return true;
    text = smtp_reply_on_one_line(&conversation->reply, conversation->arena);
    say("%s rejected: %.*s", verb, STR_ARG(text));
    return false;
}

struct str conversation_server_name(const struct conversation *conversation, struct arena *arena)
{
    struct str line, word;
    size_t place = 0;

    if (!smtp_reply_next_line(&conversation->reply, &place, &line) || !str_next_word(&line, " \t", &word))
        return STR_EMPTY;
    return arena_str(arena, word);
}
