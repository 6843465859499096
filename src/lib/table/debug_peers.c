/* SPDX-License-Identifier: Apache-2.0 */
#include "table/debug_peers.h"

#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "table/table_type.h"

void debug_peers_open(struct debug_peers *peers, struct table_set *set, const struct shared_settings *shared)
{
    struct strlist parents = main_cf_words(shared->parent_domain_matches_subdomains, table_set_arena(set));

    *peers = (struct debug_peers){
        .list = match_list_open(set, STR("debug_peer_list"), shared->debug_peer_list, MATCH_HOSTS,
                                strlist_contains(&parents, STR("debug_peer_list"))),
        .level = (unsigned) shared->debug_peer_level,
    };
}

unsigned debug_peers_level_of(const struct debug_peers *peers, struct str name, struct str address)
{
    struct failure why;

    if (peers->list == NULL || match_list_is_empty(peers->list))
        return log_verbose();
    switch (match_list_has_host(peers->list, name, address, &why)) {
    case TABLE_FOUND:
        return log_verbose() + peers->level;
    case TABLE_UNKNOWN:
        log_warning("%s", why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return log_verbose();
}
