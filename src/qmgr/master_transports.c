/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "config/master_cf.h"
#include "config/programs.h"
#include "qmgr/deliveries.h"

#include <unistd.h>

/* Services that master does not start, because this version has not got their program, are no transports. */
static bool is_agent(struct str command)
{
    static const char *const agents[] = { "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard" };
    const struct program *program = program_find(command);

    if (program == NULL || program->state != PROGRAM_OURS)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(agents); i++)
        if (str_equal(command, str_from_c(agents[i])))
            return true;
    return false;
}

static unsigned process_count(const struct master_service *service, int default_process_limit)
{
    const struct program *program = program_find(service->fields[MASTER_FIELD_COMMAND]);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int limit = service->max_processes == MASTER_CF_DEFAULT ? default_process_limit : service->max_processes;

    if (limit <= 0)
        limit = default_process_limit;
    if (program != NULL && program->shape == PROGRAM_WORKERS && limit > cpus)
        limit = (int) cpus;
    return limit > 0 ? (unsigned) limit : 1;
}

bool deliveries_find_transports(struct str config_directory, int default_process_limit, struct arena *arena,
                                struct deliveries_transport **transports_out, size_t *count_out, struct failure *why)
{
    struct deliveries_transport *transports;
    struct master_cf *cf;
    size_t count = 0;

    *transports_out = NULL;
    *count_out = 0;
    if (!master_cf_load(config_directory, arena, &cf, why))
        return false;
    transports = arena_new_array(arena, cf->count, struct deliveries_transport);
    for (size_t i = 0; i < cf->count; i++) {
        const struct master_service *service = &cf->services[i];

        if (service->type == MASTER_SERVICE_UNIX && is_agent(service->fields[MASTER_FIELD_COMMAND]))
            transports[count++] = (struct deliveries_transport){
                .name = service->fields[MASTER_FIELD_NAME],
                .processes = process_count(service, default_process_limit),
            };
    }
    *transports_out = transports;
    *count_out = count;
    return true;
}
