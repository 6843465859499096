/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/settings.h"

#include "config/main_cf.h"

#include "unit.h"

static const struct setting *find_member(const struct settings_table *table, const struct setting *row)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].offset == row->offset && table->rows[i].type == row->type)
            return &table->rows[i];
    }
    return NULL;
}

static bool is_of_smtp_alone(const char *name)
{
    static const char *const names[] = { "smtp_always_send_ehlo", "smtp_never_send_ehlo",
                                         /* LMTP has no MX records. */
                                         "smtp_tls_dane_insecure_mx_policy", "smtp_tls_mta_sts_enable",
                                         "smtp_tls_mta_sts_timeout", "smtp_tls_enforce_sts_mx_patterns" };

    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

TEST(every_parameter_of_smtp_has_one_of_lmtp_for_the_same_member)
{
    unsigned count = 0;

    for (size_t i = 0; i < smtp_settings_table.count; i++) {
        const struct setting *row = &smtp_settings_table.rows[i];
        const struct setting *twin = find_member(&lmtp_settings_table, row);

        if (!str_starts_with(str_from_c(row->name), STR("smtp_")) || is_of_smtp_alone(row->name))
            continue;
        EXPECT(twin != NULL && str_starts_with(str_from_c(twin->name), STR("lmtp_")));
        EXPECT_INT(twin->minimum, row->minimum);
        EXPECT_INT(twin->maximum, row->maximum);
        count++;
    }
    EXPECT(count > 20);
}

/* The value of a row as text, for comparison. */
static struct str show(const struct smtp_settings *settings, const struct setting *row, struct arena *arena)
{
    /* UNSAFE: the offset and type of a member of that struct */
    const void *member = (const char *) (const void *) settings + row->offset;

    switch (row->type) {
    case SETTING_TYPE_STRING:
    case SETTING_TYPE_RAW:
        return *(const struct str *) member;
    case SETTING_TYPE_LIST:
        return ((const struct strlist *) member)->count > 0 ? ((const struct strlist *) member)->items[0] : STR_EMPTY;
    case SETTING_TYPE_SIZE:
        return arena_printf(arena, "%lld", (long long) *(const int64_t *) member);
    case SETTING_TYPE_BOOLEAN:
        return *(const bool *) member ? STR("yes") : STR("no");
    case SETTING_TYPE_TIME:
        return arena_printf(arena, "%llds", (long long) ((const struct duration *) member)->us / 1000000);
    case SETTING_TYPE_CHOICE:
        return str_from_c(row->choices[*(const int *) member]);
    case SETTING_TYPE_INTEGER:
        break;
    }
    return arena_printf(arena, "%d", *(const int *) member);
}

static const struct setting *find_name(const struct settings_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    }
    return NULL;
}

static struct str load(const struct settings_table *table, struct str text, const struct setting *row,
                       struct arena *arena)
{
    struct main_cf *cf;
    struct failure why;
    void *settings;

    EXPECT(main_cf_parse(text, STR("main.cf"), STR("."), arena, &cf, &why));
    EXPECT(settings_load(table, cf, STR("x"), arena, &settings, &why));
    return show(settings, row, arena);
}

/* One program with two names: what a parameter does is tested for smtp. */
TEST(each_parameter_of_lmtp_changes_what_that_of_smtp_does_and_leaves_smtp_alone)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        { "lmtp_address_preference", "ipv4" },
        { "lmtp_balance_inet_protocols", "no" },
        { "lmtp_bind_address6", "2001:db8::1" },
        { "lmtp_cname_overrides_servername", "yes" },
        { "lmtp_connection_cache_on_demand", "no" },
        { "lmtp_connection_cache_time_limit", "7s" },
        { "lmtp_connection_reuse_count_limit", "7" },
        { "lmtp_connection_reuse_time_limit", "7s" },
        { "lmtp_data_xfer_timeout", "7s" },
        { "lmtp_defer_if_no_mx_address_found", "yes" },
        { "lmtp_dns_resolver_options", "res_dnsrch" },
        { "lmtp_dns_support_level", "disabled" },
        { "lmtp_min_data_rate", "7" },
        { "lmtp_mx_address_limit", "7" },
        { "lmtp_mx_session_limit", "7" },
        { "lmtp_per_request_deadline", "yes" },
        { "lmtp_pix_workaround_delay_time", "7s" },
        { "lmtp_pix_workaround_maps", "static:disable_esmtp" },
        { "lmtp_pix_workaround_threshold_time", "7s" },
        { "lmtp_pix_workarounds", "delay_dotcrlf" },
        { "lmtp_quit_timeout", "7s" },
        { "lmtp_randomize_addresses", "no" },
        { "lmtp_rset_timeout", "7s" },
        { "lmtp_skip_quit_response", "yes" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena *arena = arena_create();
        const struct setting *row = find_name(&lmtp_settings_table, rows[i].name);
        const struct setting *twin = row == NULL ? NULL : find_member(&smtp_settings_table, row);
        struct str text = arena_printf(arena, "%s = %s\n", rows[i].name, rows[i].value);

        EXPECT(twin != NULL);
        if (twin != NULL) {
            EXPECT_STR(load(&lmtp_settings_table, text, row, arena), str_from_c(rows[i].value));
            EXPECT_STR(load(&smtp_settings_table, text, twin, arena),
                       load(&smtp_settings_table, STR_EMPTY, twin, arena));
        }
        arena_destroy(&arena);
    }
}
