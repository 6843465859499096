/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/describe.h"

static const char *user_name(enum daemon_user user)
{
    switch (user) {
    case DAEMON_AS_MAIL_OWNER:
        return "mail_owner";
    case DAEMON_AS_NET_OWNER:
        return "net_owner";
    case DAEMON_AS_MAP_OWNER:
        return "map_owner";
    case DAEMON_AS_SASL_OWNER:
        return "sasl_owner";
    case DAEMON_AS_ROOT:
        return "root";
    }
    return "?";
}

static const char *shape_name(const struct daemon_program *program)
{
    if (program->is_singleton)
        return "one process";
    return program->shape == DAEMON_SEQUENTIAL ? "one job a process" : "workers";
}

void describe_program(const struct daemon_program *program, struct strbuf *out)
{
    strbuf_printf(out, "%s\t%s\t%s\t%s\t", program->name, shape_name(program), user_name(program->user),
                  program->seccomp == NULL ? "-" : program->seccomp);
    if (program->calls == NULL || program->calls[0] == NULL)
        strbuf_append_char(out, '-');
    for (size_t i = 0; program->calls != NULL && program->calls[i] != NULL; i++)
        strbuf_printf(out, "%s%s", i > 0 ? ", " : "", program->calls[i]);
    strbuf_append_char(out, '\n');
}
