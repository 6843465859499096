/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_CONFIGURATION_H
#define MASTER_CONFIGURATION_H

#include "config/layout.h"
#include "config/main_cf.h"
#include "config/master_cf.h"
#include "config/programs.h"
#include "config/shared_settings.h"
#include "master/settings.h"

/*
 * configuration - all that master reads: main.cf, master.cf, its own settings, who is who. Loaded whole or
 * not at all, so that a reload with a mistake leaves the one in force as it is. All memory is one arena.
 */
struct configuration {
    struct arena *arena;
    struct main_cf *main_cf;
    const struct shared_settings *shared;
    const struct master_settings *settings;
    struct layout_identity identity;
    struct master_service *services; /* those of the file that are enabled, then the ones added */
    size_t service_count;
    struct strlist warnings;
};

MUST_USE bool configuration_load(struct str directory, struct configuration **configuration_out, struct failure *why);
/* Leaves *configuration NULL; NULL is fine. */
void configuration_destroy(struct configuration **configuration);

#endif
