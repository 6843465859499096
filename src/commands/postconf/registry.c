/* SPDX-License-Identifier: Apache-2.0 */
#include "config/registry.h"

#include "config/shared_settings.h"

extern const struct settings_table anvil_settings_table;
extern const struct settings_table bounce_settings_table;
extern const struct settings_table cleanup_settings_table;
extern const struct settings_table delivery_settings_table;
extern const struct settings_table dnsblog_settings_table;
extern const struct settings_table lmtp_settings_table;
extern const struct settings_table local_settings_table;
extern const struct settings_table master_settings_table;
extern const struct settings_table merpati_settings_table;
extern const struct settings_table milter_settings_table;
extern const struct settings_table multi_instance_settings_table;
extern const struct settings_table pipe_settings_table;
extern const struct settings_table postdrop_settings_table;
extern const struct settings_table postlock_settings_table;
extern const struct settings_table postlogd_settings_table;
extern const struct settings_table postqueue_settings_table;
extern const struct settings_table postscreen_settings_table;
extern const struct settings_table proxymap_settings_table;
extern const struct settings_table qmgr_settings_table;
extern const struct settings_table sasl_settings_table;
extern const struct settings_table sendmail_settings_table;
extern const struct settings_table smtp_settings_table;
extern const struct settings_table smtpd_settings_table;
extern const struct settings_table spawn_settings_table;
extern const struct settings_table spill_settings_table;
extern const struct settings_table tls_settings_table;
extern const struct settings_table tlsmgr_settings_table;
extern const struct settings_table tlsproxy_settings_table;
extern const struct settings_table trivial_rewrite_settings_table;
extern const struct settings_table verify_settings_table;
extern const struct settings_table virtual_settings_table;

const struct settings_table *const registry_tables[] = {
    &shared_settings_table,   &anvil_settings_table,     &bounce_settings_table,
    &cleanup_settings_table,  &delivery_settings_table,  &dnsblog_settings_table,
    &lmtp_settings_table,     &local_settings_table,     &master_settings_table,
    &merpati_settings_table,  &milter_settings_table,    &multi_instance_settings_table,
    &pipe_settings_table,     &postdrop_settings_table,  &postlock_settings_table,
    &postlogd_settings_table, &postqueue_settings_table, &postscreen_settings_table,
    &proxymap_settings_table, &qmgr_settings_table,      &sasl_settings_table,
    &sendmail_settings_table, &smtp_settings_table,      &smtpd_settings_table,
    &spawn_settings_table,    &spill_settings_table,     &tls_settings_table,
    &tlsmgr_settings_table,   &tlsproxy_settings_table,  &trivial_rewrite_settings_table,
    &verify_settings_table,   &virtual_settings_table,   NULL,
};

const struct setting *registry_find(struct str name)
{
    size_t i;
    size_t j;

    for (i = 0; registry_tables[i] != NULL; i++)
        for (j = 0; j < registry_tables[i]->count; j++)
            if (str_equal(name, str_from_c(registry_tables[i]->rows[j].name)))
                return &registry_tables[i]->rows[j];
    return NULL;
}
