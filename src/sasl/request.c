/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/request.h"

static bool is_name(struct str text)
{
    return text.len <= REQUEST_NAME_MAXIMUM && !str_contains_char(text, '\0');
}

static bool parse_application(const struct auth_line *line, struct request *request)
{
    struct str *const places[] = { &request->application, &request->service, &request->realm };

    request->kind = REQUEST_APPLICATION;
    for (size_t i = 0; i < ARRAY_COUNT(places) && i < line->count; i++) {
        if (!is_name(line->fields[i]))
            return false;
        *places[i] = line->fields[i];
    }
    return true;
}

static bool parse_start(const struct auth_line *line, struct request *request)
{
    struct str service;

    request->kind = REQUEST_START;
    if (!auth_line_number(line, 0, &request->id) || line->count < 2)
        return false;
    request->mechanism = line->fields[1];
    if (auth_line_find(line, 2, "service", &service) && is_name(service))
        request->service = service;
    request->has_input = auth_line_find(line, 2, "resp", &request->input);
    return request->mechanism.len > 0 && is_name(request->mechanism);
}

static bool parse_continue(const struct auth_line *line, const struct request_state *state, struct request *request)
{
    request->kind = REQUEST_CONTINUE;
    if (!state->is_challenged || !auth_line_number(line, 0, &request->id) || request->id != state->id ||
        line->count < 2)
        return false;
    request->has_input = true;
    request->input = line->fields[1];
    return true;
}

bool request_parse(const struct auth_line *line, const struct request_state *state, struct request *request_out,
                   const char **what_out)
{
    *request_out = (struct request){ .kind = REQUEST_IS_NOTHING };
    switch (line->verb) {
    case AUTH_VERB_APPLICATION:
        *what_out = "APPLICATION";
        return !state->has_met && parse_application(line, request_out);
    case AUTH_VERB_CPID:
        *what_out = "CPID";
        request_out->kind = REQUEST_HELLO;
        return !state->has_met;
    case AUTH_VERB_AUTH:
        *what_out = "AUTH";
        return state->has_met && parse_start(line, request_out);
    case AUTH_VERB_CONT:
        *what_out = "CONT";
        return state->has_met && parse_continue(line, state, request_out);
    case AUTH_VERB_CANCEL:
        request_out->kind = REQUEST_CANCEL;
        return true;
    default:
        return true;
    }
}
