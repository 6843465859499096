/* SPDX-License-Identifier: Apache-2.0 */
#include "config/programs.h"

#define OURS(name, shape, told, gone, network)                                                                         \
    {                                                                                                                  \
        name, PROGRAM_OURS, shape, told, gone, network, NULL                                                           \
    }
#define AGENT(name, shape) OURS(name, shape, PROGRAM_STOP_DELIVERY, PROGRAM_STOP_DELIVERY, false)
#define ELSEWHERE(name, remark)                                                                                        \
    {                                                                                                                  \
        name, PROGRAM_ELSEWHERE, PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, false, remark             \
    }
#define REFUSED(name, remark)                                                                                          \
    {                                                                                                                  \
        name, PROGRAM_REFUSED, PROGRAM_SINGLE, PROGRAM_STOP_SOURCES, PROGRAM_STOP_SOURCES, false, remark               \
    }
static const struct program programs[] = {
    OURS("smtpd", PROGRAM_WORKERS, PROGRAM_STOP_SOURCES, PROGRAM_STOP_SOURCES, true),
    OURS("postscreen", PROGRAM_SINGLE, PROGRAM_STOP_SOURCES, PROGRAM_STOP_SOURCES, true),
    OURS("pickup", PROGRAM_SINGLE, PROGRAM_STOP_SOURCES, PROGRAM_STOP_SOURCES, false),
    OURS("qmgr", PROGRAM_SINGLE, PROGRAM_STOP_DELIVERY, PROGRAM_STOP_QUEUE, false),
    AGENT("smtp", PROGRAM_WORKERS),
    AGENT("lmtp", PROGRAM_WORKERS),
    AGENT("local", PROGRAM_WORKERS),
    AGENT("virtual", PROGRAM_WORKERS),
    AGENT("error", PROGRAM_WORKERS),
    AGENT("discard", PROGRAM_WORKERS),
    AGENT("pipe", PROGRAM_WORKERS),
    OURS("bounce", PROGRAM_SINGLE, PROGRAM_STOP_RETURNS, PROGRAM_STOP_RETURNS, false),
    /* One writer a segment: one process, all its sessions on one loop. */
    OURS("cleanup", PROGRAM_SINGLE, PROGRAM_STOP_INTAKE, PROGRAM_STOP_INTAKE, true),
    OURS("spill", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, false),
    OURS("trivial-rewrite", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("proxymap", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("verify", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("anvil", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("tlsmgr", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("tlsproxy", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("dnsblog", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("spawn", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("sasl", PROGRAM_WORKERS, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("showq", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, false),
    OURS("flush", PROGRAM_SINGLE, PROGRAM_STOP_SUPPORT, PROGRAM_STOP_SUPPORT, true),
    OURS("postlogd", PROGRAM_SINGLE, PROGRAM_STOP_LOG, PROGRAM_STOP_LOG, false),

    ELSEWHERE("scache", "connections are kept by the smtp processes themselves"),

    REFUSED("qmqpd", "QMQP is not spoken; its clients can send by SMTP"),
};

static const char *const with_words[] = { "pipe", "spawn", "smtp", "lmtp" };

bool program_takes_words(const struct program *program)
{
    for (size_t i = 0; i < ARRAY_COUNT(with_words); i++) {
        if (str_equal(str_from_c(program->name), str_from_c(with_words[i])))
            return true;
    }
    return false;
}

/* What other queue managers were called, whose place ours takes. */
static const char *const queue_managers[] = { "oqmgr", "nqmgr" };

const struct program *program_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(queue_managers); i++) {
        if (str_equal(name, str_from_c(queue_managers[i])))
            name = STR("qmgr");
    }
    for (size_t i = 0; i < ARRAY_COUNT(programs); i++) {
        if (str_equal(name, str_from_c(programs[i].name)))
            return &programs[i];
    }
    return NULL;
}
