/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_PROGRAMS_H
#define CONFIG_PROGRAMS_H

#include "base/str.h"

/*
 * programs - the daemons that a master.cf may name, and what master must know about each before it
 * starts one: how many processes, when it stops, whether services that face the network may call it.
 */
enum program_state {
    PROGRAM_OURS,      /* started */
    PROGRAM_ELSEWHERE, /* Merpati does its work elsewhere: accepted, never started */
    PROGRAM_LATER,     /* known, not built yet: accepted, never started, and the log says so */
    PROGRAM_REFUSED,   /* never to come: not started, and "merpati check" fails with the reason */
};

enum program_shape {
    PROGRAM_WORKERS,    /* min(service_workers, maxproc) processes share maxproc sessions */
    PROGRAM_SINGLE,     /* never more than one process */
    PROGRAM_SEQUENTIAL, /* one session a process, up to maxproc processes */
};

/*
 * The order in which services stop: all of one step are told together, and the next step begins when
 * those are gone whose end it waits for.
 */
enum program_stop {
    PROGRAM_STOP_SOURCES,  /* bring mail in */
    PROGRAM_STOP_DELIVERY, /* qmgr and the agents; qmgr is not waited for */
    PROGRAM_STOP_RETURNS,  /* bounce */
    PROGRAM_STOP_INTAKE,   /* cleanup */
    PROGRAM_STOP_QUEUE,    /* wait for qmgr here */
    PROGRAM_STOP_SUPPORT,  /* all that the others call */
    PROGRAM_STOP_LOG,      /* postlogd */
    PROGRAM_STOP_STEPS,
};

struct program {
    const char *name;
    enum program_state state;
    enum program_shape shape;
    enum program_stop told_at;
    enum program_stop gone_by;
    bool network_may_call; /* net_owner is let through to its Unix sockets */
    const char *remark;    /* for ELSEWHERE: where its work is done; for REFUSED: why */
};

/* Whether words may follow its options in master.cf: flags=, user=, argv= ... */
bool program_takes_words(const struct program *program);
/* NULL if nobody knows it. Its name is the one that is run: "oqmgr" is qmgr. */
const struct program *program_find(struct str name);

#endif
