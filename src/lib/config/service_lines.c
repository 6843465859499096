/* SPDX-License-Identifier: Apache-2.0 */
#include "config/service_lines.h"

#include "base/arena.h"
#include "config/listen_place.h"
#include "config/programs.h"

/* A value with a blank in it, written without braces, would be cut short: what was behind the blank is no option. */
static bool command_line_is_sound(const struct master_service *service, const struct program *program,
                                  struct arena *arena, struct failure *why)
{
    struct strlist words = master_service_words(service, arena);
    size_t count = service->arguments.count;

    if (words.count > 0 && !program_takes_words(program))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "unexpected command-line argument: %.*s; a value with blanks is written -o { name = value }",
                           STR_ARG(words.items[0]));
    if (words.count == 0 && count > 0 && str_equal(service->arguments.items[count - 1], STR("-o")) &&
        (count == 1 || !str_equal(service->arguments.items[count - 2], STR("-o"))))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "option -o needs a value: -o name=value");
    return true;
}

bool service_line_is_sound(const struct shared_settings *shared, const struct master_service *service,
                           struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct program *program = program_find(service->fields[MASTER_FIELD_COMMAND]);
    struct listen_places places;

    if (program == NULL || program->state != PROGRAM_OURS ||
        (command_line_is_sound(service, program, arena, why) && listen_places_of(shared, service, arena, &places, why)))
        return true;
    return failure_prefix(why, "%.*s: line %u: service %.*s/%s", STR_ARG(service->file), service->line,
                          STR_ARG(service->fields[MASTER_FIELD_NAME]), master_service_type_name(service->type));
}

bool service_lines_are_sound(const struct shared_settings *shared, const struct master_service *services, size_t count,
                             struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        if (!service_line_is_sound(shared, &services[i], why))
            return false;
    }
    return listen_places_are_apart(shared, services, count, why);
}
