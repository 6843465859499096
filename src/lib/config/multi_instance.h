/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_MULTI_INSTANCE_H
#define CONFIG_MULTI_INSTANCE_H

#include "config/settings.h"

/*
 * multi_instance - several mail systems on one machine: the primary instance's main.cf lists the configuration
 * directories of the others, and "merpati start" and the like are given to a manager, which does them for each.
 */
struct multi_instance_settings {
    struct strlist directories; /* of the other instances, in the order of starting */
    struct str wrapper;         /* the manager's command; empty: instances are looked after one by one */
    bool is_enabled;
    struct str group; /* empty: none */
    struct strlist start_commands;
    struct strlist stop_commands;
    struct strlist control_commands;
};

extern const struct settings_table multi_instance_settings_table;

#endif
