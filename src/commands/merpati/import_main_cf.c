/* SPDX-License-Identifier: Apache-2.0 */
/* main.cf of an import. */
#include "merpati/import.h"

/* They say where the other system is, whose it is, and who else there is of it. */
static const char *const not_ours[] = {
    "queue_directory",
    "data_directory",
    "daemon_directory",
    "command_directory",
    "config_directory",
    "shlib_directory",
    "meta_directory",
    "mail_owner",
    "setgid_group",
    "sendmail_path",
    "mailq_path",
    "newaliases_path",
    "html_directory",
    "manpage_directory",
    "readme_directory",
    "sample_directory",
    "openssl_path",
    "multi_instance_wrapper",
    "multi_instance_directories",
    "multi_instance_enable",
    "multi_instance_name",
    "multi_instance_group",
    "process_id_directory",
    NULL,
};

/* What says where the instance of this directory is. */
static const char *const ours[] = {
    "queue_directory",
    "data_directory",
    "daemon_directory",
    "command_directory",
    "shlib_directory",
    "meta_directory",
    "mail_owner",
    "net_owner",
    "map_owner",
    "sasl_owner",
    "setgid_group",
    "multi_instance_name",
    "multi_instance_group",
    "multi_instance_enable",
    "multi_instance_directories",
    "multi_instance_wrapper",
    NULL,
};

static void tell_dropped(const struct strlist *found)
{
    for (size_t i = 0; i < found->count; i++)
        import_say("main.cf: %.*s is commented out: it is about the other installation", STR_ARG(found->items[i]));
}

static void keep_place(const struct import_job *job, struct strbuf *out)
{
    for (size_t i = 0; ours[i] != NULL && job->has_main_cf; i++) {
        const struct main_cf_entry *entry = main_cf_find(job->place, str_from_c(ours[i]));

        if (entry != NULL)
            strbuf_printf(out, "%s = %.*s\n", ours[i], STR_ARG(entry->value));
    }
}

void import_main_cf(struct import_job *job, struct str text, struct strbuf *out)
{
    struct strlist found = { 0 };

    import_text_adapt(text, not_ours, job->moves, job->move_count, out, job->arena, &found);
    tell_dropped(&found);
    (void) strbuf_append_c(out, "\n# Taken over from another mail system.\n");
    if (main_cf_find(job->old, STR("syslog_name")) == NULL) {
        (void) strbuf_append_c(out, "# Log readers know the lines by this name.\nsyslog_name = postfix\n");
        import_say("main.cf: syslog_name = postfix, so that what reads the log goes on");
    }
    keep_place(job, out);
}
