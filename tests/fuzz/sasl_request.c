/* SPDX-License-Identifier: Apache-2.0 */
/* What the sasl service is asked: whatever comes, an exchange begins after the handshake and goes on under its number.
 */

#include "base/check.h"
#include "sasl/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_texts(const struct request *request)
{
    const struct str names[] = { request->application, request->service, request->realm, request->mechanism };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        CHECK(names[i].len <= REQUEST_NAME_MAXIMUM && !str_contains_char(names[i], '\0'));
}

static void take(const struct request *request, struct request_state *state)
{
    check_texts(request);
    switch (request->kind) {
    case REQUEST_APPLICATION:
        CHECK(!state->has_met);
        break;
    case REQUEST_HELLO:
        CHECK(!state->has_met);
        state->has_met = true;
        break;
    case REQUEST_START:
        CHECK(state->has_met && request->mechanism.len > 0);
        state->id = request->id;
        /* As if the library asked back, of every other one. */
        state->is_challenged = request->id % 2 == 0;
        break;
    case REQUEST_CONTINUE:
        CHECK(state->is_challenged && request->id == state->id && request->has_input);
        state->is_challenged = request->input.len % 2 == 0;
        break;
    case REQUEST_CANCEL:
        state->is_challenged = false;
        break;
    case REQUEST_IS_NOTHING:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *) data, size), text;
    struct request_state state = { .has_met = false };
    struct arena *arena = arena_create();
    struct auth_line line;
    struct request request;
    const char *what = "";
    bool has_more, is_good;

    do {
        has_more = str_cut(rest, '\n', &text, &rest);
        auth_line_parse(&line, text, arena);
        is_good = request_parse(&line, &state, &request, &what);
        if (is_good)
            take(&request, &state);
        else
            CHECK(what[0] != '\0');
    } while (has_more && is_good);
    arena_destroy(&arena);
    return 0;
}
