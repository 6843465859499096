/* SPDX-License-Identifier: Apache-2.0 */
#include "pickup/log_lines.h"

#include "base/strbuf.h"
#include "log/address.h"
#include "log/log.h"

void log_picked_up(struct str queue_id, uid_t uid, struct str sender, struct str original_id)
{
    struct strbuf shown;

    strbuf_init(&shown, STRBUF_UNLIMITED);
    log_append_address(&shown, sender);
    log_info("%.*s: uid=%ld from=<%.*s>%s%.*s", STR_ARG(queue_id), (long) uid, STR_ARG(strbuf_str(&shown)),
             str_is_empty(original_id) ? "" : " orig_id=", STR_ARG(original_id));
    strbuf_done(&shown);
}

void log_not_queued(const char *path, struct str reason)
{
    log_warning("%s: message not queued: %.*s", path, STR_ARG(reason));
}
