/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"
#include "daemon/daemon_private.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"

enum {
    FDS_OF_OUR_OWN = 100,
    FDS_A_SESSION = 2,
    MAPS_OF_OUR_OWN = 2000,
    MAPS_A_SESSION = 4, /* its stack and guard, and as much for a helper */
    USUAL_MAPS = 65530,
};

static uint64_t most_maps(void)
{
    struct strbuf text;
    uint64_t count;

    strbuf_init(&text, 100);
    if (!file_load("/proc/sys/vm/max_map_count", &text, NULL) || !str_to_uint64(str_trim(strbuf_str(&text)), &count))
        count = USUAL_MAPS;
    strbuf_done(&text);
    return count;
}

static size_t possible_sessions(void)
{
    uint64_t fds = fd_raise_limit();
    uint64_t maps = most_maps();
    uint64_t by_fds = fds > 2 * FDS_OF_OUR_OWN ? (fds - FDS_OF_OUR_OWN) / FDS_A_SESSION : FDS_OF_OUR_OWN;
    uint64_t by_maps = maps > 2 * MAPS_OF_OUR_OWN ? (maps - MAPS_OF_OUR_OWN) / MAPS_A_SESSION : MAPS_OF_OUR_OWN;

    return (size_t) (by_fds < by_maps ? by_fds : by_maps);
}

size_t daemon_session_limit(const struct daemon *daemon)
{
    const char *text = environment_get(MASTER_VARIABLE_SESSIONS);
    size_t possible = possible_sessions();
    uint64_t wanted = 0;

    if (daemon->program->shape == DAEMON_SEQUENTIAL)
        return 1;
    if (daemon->program->session_limit > 0)
        return daemon->program->session_limit;
    if (text != NULL && !str_to_uint64(str_from_c(text), &wanted))
        wanted = 0;
    if (wanted > possible)
        log_warning("%s: %zu sessions at a time instead of %llu: see the limit of open files and vm.max_map_count",
                    daemon->arguments.service, possible, (unsigned long long) wanted);
    return wanted == 0 || wanted > possible ? possible : (size_t) wanted;
}
