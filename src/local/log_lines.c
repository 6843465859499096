/* SPDX-License-Identifier: Apache-2.0 */
#include "local/log_lines.h"

#include "base/strbuf.h"
#include "log/address.h"
#include "log/log.h"

enum { ADDRESS_MAX = 16 * 1024 };

void log_passing(struct str queue_id, struct str address, struct str transport)
{
    struct strbuf quoted;
    struct str name;

    strbuf_init(&quoted, ADDRESS_MAX);
    log_append_address(&quoted, address);
    (void) str_cut(transport, ':', &name, &(struct str){ 0 });
    log_info("%.*s: passing <%.*s> to transport=%.*s", STR_ARG(queue_id), STR_ARG(strbuf_str(&quoted)), STR_ARG(name));
    strbuf_done(&quoted);
}

void log_fault(const char *fault)
{
    log_error("%s", fault);
}

void log_maildir_access(const struct rights *owner, const char *reason)
{
    log_warning("maildir access problem for UID/GID=%u/%u: %s", (unsigned) owner->uid, (unsigned) owner->gid, reason);
    log_warning("perhaps you need to create the maildirs in advance");
}
