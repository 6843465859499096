/* SPDX-License-Identifier: Apache-2.0 */
#include "config/programs.h"
#include "unit.h"

TEST(every_daemon_of_a_stock_master_cf_is_known)
{
    static const char *const names[] = {
        "smtp",   "smtpd",    "anvil",    "bounce",  "cleanup",  "discard",    "error",           "flush",   "lmtp",
        "pickup", "qmgr",     "scache",   "tlsmgr",  "verify",   "showq",      "local",           "virtual", "pipe",
        "spawn",  "proxymap", "postlogd", "dnsblog", "tlsproxy", "postscreen", "trivial-rewrite", "qmqpd",   "oqmgr"
    };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        EXPECT(program_find(str_from_c(names[i])) != NULL);
    EXPECT(program_find(STR("smtpx")) == NULL);
}

TEST(other_queue_managers_are_ours)
{
    EXPECT(program_find(STR("oqmgr")) == program_find(STR("qmgr")));
    EXPECT(program_find(STR("nqmgr")) == program_find(STR("qmgr")));
}

TEST(the_queue_manager_outlives_cleanup_and_spill_outlives_it)
{
    const struct program *qmgr = program_find(STR("qmgr")), *cleanup = program_find(STR("cleanup"));
    const struct program *spill = program_find(STR("spill")), *smtpd = program_find(STR("smtpd"));

    EXPECT(smtpd->gone_by < qmgr->told_at);
    EXPECT(cleanup->gone_by < qmgr->gone_by);
    EXPECT(qmgr->gone_by < spill->told_at);
}

TEST(services_that_hold_mail_are_closed_to_the_network)
{
    static const char *const closed[] = { "local", "virtual", "pipe", "qmgr", "spill", "bounce" };

    for (size_t i = 0; i < ARRAY_COUNT(closed); i++)
        EXPECT_FALSE(program_find(str_from_c(closed[i]))->network_may_call);
    EXPECT(program_find(STR("cleanup"))->network_may_call);
}
