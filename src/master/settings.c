/* SPDX-License-Identifier: Apache-2.0 */
#include "master/settings.h"

static const struct setting rows[] = {
    SETTING_INTEGER(struct master_settings, service_workers, "service_workers", "0", 0, 1024,
                    "How many processes share the sessions of a service; 0 means one a CPU."),
    SETTING_TIME(struct master_settings, service_throttle_time, "service_throttle_time", "60s", 1, 0, 's',
                 "The longest pause before a service that keeps failing is started again; the first is 1 s."),
    SETTING_TIME(struct master_settings, service_stop_limit, "service_stop_limit", "60s", 1, 0, 's',
                 "How long each step of a stop may take before the processes that stay are killed."),
    SETTING_TIME(
        struct master_settings, service_stop_session_limit, "service_stop_session_limit", "10s", 1, 0, 's',
        "How long sessions and deliveries may go on when the system stops, before their processes are killed."),
    SETTING_TIME(struct master_settings, service_retire_limit, "service_retire_limit", "1h", 1, 0, 's',
                 "How long a process that was replaced may go on with its sessions before it is told to stop."),
    SETTING_INTEGER(struct master_settings, service_generation_limit, "service_generation_limit", "5", 1, 100,
                    "How many replaced processes a worker may leave behind before the oldest are told to stop."),
    SETTING_LIST(struct master_settings, master_service_disable, "master_service_disable", "",
                 "Services of master.cf that are not started: \"inet\", \"name/type\", with ! for exceptions."),
};

const struct settings_table master_settings_table = SETTINGS_TABLE("master", struct master_settings, rows);
