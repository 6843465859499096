/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_SERVICE_H
#define CLEANUP_SERVICE_H

#include "base/failure.h"
#include "cleanup/settings.h"
#include "cleanup/strange_characters.h"
#include "config/own_addresses.h"
#include "config/shared_settings.h"
#include "milter/service.h"

struct checks;
struct daemon;
struct endpoint;
struct journal_writer;
struct loop;
struct mapping;
struct notifier;
struct rewriter;

/*
 * service - what all messages of the process share: settings, tables, the way to trivial-rewrite, the journal and
 * the line to the queue manager. Tables are opened before the jail, the rest in it.
 */
struct service {
    struct loop *loop;
    const struct cleanup_settings *settings;
    const struct shared_settings *shared;
    struct rewriter *rewriter;
    struct mapping *mapping;
    const struct milter_settings *milter_settings;
    struct milter_services milters; /* non_smtpd_milters */
    struct endpoint *proxymap;      /* connects to them */
    struct checks *milter_header_checks;
    struct checks *checks;
    struct character_set rejected_characters;
    struct character_set stripped_characters;
    unsigned findings; /* enum mime_finding: what refuses a message */
    struct notifier *notifier;
    struct journal_writer *journal;
};

/* Before the jail: tables and own addresses. */
MUST_USE bool service_open(struct daemon *daemon, struct failure *why);
/* In the jail, in a fiber. */
void *service_start(struct daemon *daemon);
/* In a fiber, when the last message is done: the journal and the line to qmgr are closed. */
void service_finish(struct service *service);

#endif
