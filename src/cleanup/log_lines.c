/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/log_lines.h"

#include "base/strbuf.h"
#include "log/log.h"
#include "mail/quote.h"

enum { SHOWN_OF_ADDRESS = 100 };

/* Keys of tables are shown as they are asked for: in external form. */
static struct str external(struct strbuf *buf, struct str address)
{
    strbuf_init(buf, STRBUF_UNLIMITED);
    quote_address(buf, address);
    return strbuf_str(buf);
}

void log_message_id(struct str queue_id, bool is_resent, struct str id)
{
    log_info("%.*s: %smessage-id=%.*s", STR_ARG(queue_id), is_resent ? "resent-" : "", STR_ARG(id));
}

void log_map_problem(struct str queue_id, struct str maps, struct str address, struct str reason)
{
    struct strbuf buf;
    struct str key = external(&buf, address);

    log_warning("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(key));
    strbuf_done(&buf);
}

void log_copy_problem(struct str queue_id, struct str maps, struct str reason)
{
    log_warning("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps));
}

void log_map_unreasonable(struct str queue_id, struct str maps, const char *what, struct str address)
{
    struct strbuf buf;
    struct str shown = str_part(external(&buf, address), 0, SHOWN_OF_ADDRESS);

    log_warning("%.*s: unreasonable %.*s %s for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), what, STR_ARG(shown));
    strbuf_done(&buf);
}

/* The result may be as long as a table's value can be: its beginning tells enough. */
void log_map_long_result(struct str queue_id, struct str maps, struct str result)
{
    log_warning("%.*s: unreasonable %.*s result %.*s... -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(str_part(result, 0, SHOWN_OF_ADDRESS)));
}

void log_map_many(struct str queue_id, struct str maps, struct str address)
{
    struct strbuf buf;
    struct str key = external(&buf, address);

    log_warning("%.*s: multi-valued %.*s entry for %.*s", STR_ARG(queue_id), STR_ARG(maps), STR_ARG(key));
    strbuf_done(&buf);
}

void log_too_many_hops(struct str queue_id)
{
    log_warning("%.*s: message rejected: hopcount exceeded", STR_ARG(queue_id));
}

void log_rewrite_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: address rewriting problem: %s", STR_ARG(queue_id), reason);
}

void log_write_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: write queue file: %s", STR_ARG(queue_id), reason);
}

void log_disk_fails(const char *reason)
{
    log_error("the queue's disk fails, no mail is taken: %s", reason);
}

void log_disk_works(const char *which)
{
    log_info("the queue's disk works again: %s", which);
}
