/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_JUDGED_SESSION_H
#define FUZZ_JUDGED_SESSION_H

#include "base/check.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "mail/dsn.h"
#include "run/loop.h"
#include "smtpd/destination.h"
#include "smtpd/dnsbl_reply.h"
#include "smtpd/restriction.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

/*
 * judged_session - a session without a client, up to RCPT TO:<r@far.test>, for targets that judge it. Where an
 * address leads is not asked: all are of elsewhere. What is logged goes nowhere.
 */
struct judged_session {
    struct arena *arena;
    struct session session;
    struct check check;
};

bool destination_look_up(struct smtpd *smtpd, struct str sender, struct str address, struct arena *arena,
                         const struct destination **destination_out, struct failure *why)
{
    struct destination *destination = arena_new(arena, struct destination);

    (void) smtpd, (void) sender, (void) why;
    destination->recipient = address;
    destination->transport = STR("smtp");
    destination->address_class = RESOLVE_DEFAULT;
    *destination_out = destination;
    return true;
}

bool destination_is_remembered(struct smtpd *smtpd, struct str sender, struct str address)
{
    (void) smtpd, (void) sender, (void) address;
    return true;
}

void destination_foresee(struct smtpd *smtpd, struct str sender, const struct strlist *addresses)
{
    (void) smtpd, (void) sender, (void) addresses;
}

void destination_set_listed(struct smtpd *smtpd, const struct destination *destination)
{
    (void) smtpd, (void) destination;
}

static void log_nothing(enum log_level level, struct str line, void *context)
{
    (void) level, (void) line, (void) context;
}

static void judged_smtpd_open(struct smtpd *smtpd)
{
    static const char text[] = "myhostname = mail.ours.test\nmynetworks = 192.0.2.0/28\ninet_interfaces = 127.0.0.1\n"
                               "smtpd_restriction_classes = strict, loop\nstrict = reject\nloop = loop\n";
    struct table_set_options options = { 0 };
    struct failure why;
    void *settings;

    log_set_sink(log_nothing, NULL);
    smtpd->arena = arena_create();
    smtpd->loop = options.loop = loop_create();
    smtpd->tables = table_set_create(&options);
    CHECK(main_cf_parse(str_from_c(text), STR("main.cf"), STR("."), smtpd->arena, &smtpd->main_cf, &why));
    CHECK(shared_settings_load(smtpd->main_cf, smtpd->arena, &smtpd->shared, &why));
    CHECK(settings_load(&smtpd_settings_table, smtpd->main_cf, STR_EMPTY, smtpd->arena, &settings, &why));
    smtpd->settings = settings;
    smtpd->mynetworks =
        match_list_open(smtpd->tables, STR("mynetworks"), smtpd->shared->mynetworks, MATCH_HOSTS, false);
    restriction_parse_classes(smtpd);
    smtpd->rbl_reply_maps = table_list_open(smtpd->tables, STR("rbl_reply_maps"), STR_EMPTY, TABLE_FOLD);
    smtpd->log_permit_actions = match_list_open(smtpd->tables, STR("permit"), STR("static:all"), MATCH_STRINGS, false);
    smtpd->expansion_filter = dnsbl_reply_filter(smtpd->arena, smtpd->settings->expansion_filter);
}

/* One for the life of the process. */
static struct smtpd *judged_smtpd(void)
{
    static struct smtpd smtpd;

    if (smtpd.arena == NULL)
        judged_smtpd_open(&smtpd);
    return &smtpd;
}

static void judged_session_begin(struct judged_session *judged, enum restriction_topic topic)
{
    struct smtpd *smtpd = judged_smtpd();
    struct session *session = &judged->session;

    *judged = (struct judged_session){ .arena = arena_create() };
    session->smtpd = smtpd;
    session->settings = smtpd->settings;
    session->foreseen = SIZE_MAX; /* there is no stream to look ahead in */
    session->where = "RCPT";
    session->peer.name = STR("c.test");
    session->peer.address = STR("192.0.2.99");
    session->peer.shown = STR("c.test[192.0.2.99]");
    session->helo_name = STR("helo.test");
    session->transaction.arena = judged->arena;
    judged->check = (struct check){ .session = session,
                                    .smtpd = smtpd,
                                    .arena = judged->arena,
                                    .topic = topic,
                                    .recipient = STR("r@far.test"),
                                    .recipient_shown = STR("r@far.test") };
}

static void judged_session_end(struct judged_session *judged)
{
    arena_destroy(&judged->arena);
}

/* "450 4.7.1 text", on one line: the code and the status are of one class. */
static void check_refusal(struct str reply)
{
    struct dsn_status status;
    struct str word, text;

    CHECK(reply.len > 4 && (reply.data[0] == '4' || reply.data[0] == '5') && reply.data[3] == ' ');
    CHECK(char_is_digit(reply.data[1]) && char_is_digit(reply.data[2]));
    CHECK(str_cut(str_from(reply, 4), ' ', &word, &text));
    CHECK(dsn_status_parse(word, &status) && status.class == reply.data[0] - '0');
    CHECK(!str_contains_char(reply, '\n'));
}

#endif
