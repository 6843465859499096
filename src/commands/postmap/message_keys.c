/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/message_keys.h"

#include "mail/mime_parser.h"

/* The message is in memory: its fields and lines are told whole. The rest is as the parameters say by default. */
enum { LONGEST = 1 << 30, BOUNDARY_MAXIMUM = 2048, NESTING_MAXIMUM = 100 };

struct walk {
    struct mime_parser *parser;
    message_key_told *told;
    void *context;
};

static bool tell(struct walk *walk, const struct mime_event *event, struct failure *why)
{
    if (event->type == MIME_FIELD)
        return walk->told(walk->context, true, event->text, why);
    /* The empty line is one of the body. */
    if (event->type == MIME_HEADER_END)
        return event->text.len == 0 || walk->told(walk->context, false, STR_EMPTY, why);
    return walk->told(walk->context, false, event->text, why);
}

bool message_keys_walk(struct str message, bool parses_mime, message_key_told *told, void *context, struct failure *why)
{
    const struct mime_options options = {
        .header_size_limit = LONGEST,
        .line_limit = LONGEST,
        .boundary_limit = BOUNDARY_MAXIMUM,
        .nesting_limit = NESTING_MAXIMUM,
        .ignores_mime = !parses_mime,
    };
    struct walk walk = {
        .parser = mime_parser_create(&options),
        .told = told,
        .context = context,
    };
    struct mime_event event;
    bool is_good = true;

    while (is_good && mime_parser_next(walk.parser, &message, true, &event) != MIME_MORE)
        is_good = tell(&walk, &event, why);
    mime_parser_destroy(&walk.parser);
    return is_good;
}
