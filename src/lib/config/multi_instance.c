/* SPDX-License-Identifier: Apache-2.0 */
#include "config/multi_instance.h"

static const struct setting rows[] = {
    SETTING_LIST(struct multi_instance_settings, directories, "multi_instance_directories", "",
                 "The configuration directories of the other mail systems that are started together with this one."),
    SETTING_STRING(struct multi_instance_settings, wrapper, "multi_instance_wrapper", "", 0, 0,
                   "The command that does what \"merpati\" is told for each instance, such as "
                   "\"${command_directory}/postmulti -p --\"."),
    SETTING_BOOLEAN(struct multi_instance_settings, is_enabled, "multi_instance_enable", "no",
                    "Whether the manager of instances may start this one."),
    SETTING_STRING(struct multi_instance_settings, group, "multi_instance_group", "", 0, 0,
                   "The name of the group of instances that this one belongs to."),
    SETTING_LIST(struct multi_instance_settings, start_commands, "postmulti_start_commands", "start",
                 "Commands that are \"check\" for an instance that is not enabled."),
    SETTING_LIST(struct multi_instance_settings, stop_commands, "postmulti_stop_commands",
                 "stop abort drain quick-stop", "Commands that go through the enabled instances from the last one on."),
    SETTING_LIST(struct multi_instance_settings, control_commands, "postmulti_control_commands", "reload flush",
                 "Commands that go to enabled instances alone."),
};

const struct settings_table multi_instance_settings_table =
    SETTINGS_TABLE("postmulti", struct multi_instance_settings, rows);
