/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/encryption_policy.h"

#include "smtp/encryption_settings.h"

static const char *name_of(enum encryption_level level)
{
    return encryption_level_words[level + 1];
}

bool encryption_level_parse(struct str word, enum encryption_level *level_out)
{
    for (size_t i = 1; encryption_level_words[i] != NULL; i++) {
        if (str_equal_nocase(word, str_from_c(encryption_level_words[i]))) {
            *level_out = (enum encryption_level)(i - 1);
            return true;
        }
    }
    return false;
}

enum encryption_level encryption_level_of(const struct encryption_settings *settings)
{
    if (settings->security_level > 0)
        return (enum encryption_level)(settings->security_level - 1);
    if (settings->enforce)
        return settings->enforce_peername ? ENCRYPTION_VERIFY : ENCRYPTION_ENCRYPT;
    return settings->use ? ENCRYPTION_MAY : ENCRYPTION_NONE;
}

static const char list_separators[] = ", \t\r\n";

static struct str match_at(const struct encryption_settings *settings, enum encryption_level level)
{
    switch (level) {
    case ENCRYPTION_FINGERPRINT:
        return settings->fingerprint_match;
    case ENCRYPTION_VERIFY:
        return settings->verify_match;
    case ENCRYPTION_SECURE:
        return settings->secure_match;
    default:
        return STR_EMPTY;
    }
}

struct encryption_policy encryption_policy_at(const struct encryption_settings *settings, enum encryption_level level,
                                              struct arena *arena)
{
    bool is_mandatory = level >= ENCRYPTION_ENCRYPT;
    struct encryption_policy policy = {
        .level = level,
        .protocols = is_mandatory ? settings->mandatory_protocols : settings->protocols,
        .ciphers = is_mandatory ? settings->mandatory_ciphers : settings->ciphers,
        .exclusions = { settings->exclude_ciphers, settings->mandatory_exclude_ciphers },
        .exclusion_count = is_mandatory ? 2 : 1,
        .server_name = settings->server_name,
    };

    /* Names are separated by ":", too, as in policies; fingerprints have that in them. */
    policy.match =
        strlist_split(arena, match_at(settings, level), level == ENCRYPTION_FINGERPRINT ? ", |\t\r\n" : ", :\t\r\n");
    return policy;
}

/* What the text gave stands before the settings'. */
static void take_given(struct encryption_policy *policy)
{
    if (policy->given_protocols.len > 0)
        policy->protocols = policy->given_protocols;
    if (policy->given_ciphers.len > 0)
        policy->ciphers = policy->given_ciphers;
    if (policy->given_exclusion.len > 0)
        policy->exclusions[policy->exclusion_count++] = policy->given_exclusion;
}

void encryption_policy_lower(const struct encryption_settings *settings, enum encryption_level level,
                             struct encryption_policy *policy, struct arena *arena)
{
    struct encryption_policy lower = encryption_policy_at(settings, level, arena);

    policy->level = level;
    policy->protocols = lower.protocols;
    policy->ciphers = lower.ciphers;
    memcpy(policy->exclusions, lower.exclusions, sizeof(policy->exclusions));
    policy->exclusion_count = lower.exclusion_count;
    take_given(policy);
}

bool encryption_policy_needs_match(const struct encryption_policy *policy)
{
    return policy->level == ENCRYPTION_FINGERPRINT || policy->level >= ENCRYPTION_VERIFY;
}

static void add_match(struct encryption_policy *policy, struct str value, bool *is_given, struct arena *arena)
{
    const char *separators = policy->level == ENCRYPTION_FINGERPRINT ? "|" : ":";
    struct strlist more = strlist_split(arena, value, separators);

    /* Those of the policy are instead of the settings'. */
    if (!*is_given)
        policy->match.count = 0;
    *is_given = true;
    for (size_t i = 0; i < more.count; i++)
        strlist_add_view(&policy->match, arena, more.items[i]);
}

static bool take_attribute(struct encryption_policy *policy, struct str name, struct str value, bool *is_match_given,
                           struct arena *arena, struct failure *why)
{
    bool is_match = str_equal_nocase(name, STR("match"));

    if (value.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "attribute \"%.*s\" has empty value", STR_ARG(name));
    if (policy->level == ENCRYPTION_NONE || (is_match && !encryption_policy_needs_match(policy)))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "attribute \"%.*s\" invalid at security level \"%s\"",
                           STR_ARG(name), name_of(policy->level));
    if (is_match)
        add_match(policy, value, is_match_given, arena);
    else if (str_equal_nocase(name, STR("protocols")))
        policy->given_protocols = value;
    else if (str_equal_nocase(name, STR("ciphers")))
        policy->given_ciphers = value;
    else if (str_equal_nocase(name, STR("exclude")))
        policy->given_exclusion = value;
    else if (str_equal_nocase(name, STR("servername")))
        policy->server_name = value;
    else
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid attribute name: \"%.*s\"", STR_ARG(name));
    return true;
}

bool encryption_policy_parse(const struct encryption_settings *settings, struct str text, struct arena *arena,
                             struct encryption_policy *policy_out, struct failure *why)
{
    bool is_match_given = false;
    enum encryption_level level;
    struct str word, name, value;

    if (!str_next_word(&text, list_separators, &word))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid empty policy");
    if (!encryption_level_parse(word, &level))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid security level \"%.*s\"", STR_ARG(word));
    *policy_out = encryption_policy_at(settings, level, arena);
    while (str_next_word(&text, list_separators, &word)) {
        if (!str_cut(word, '=', &name, &value))
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "malformed attribute/value pair \"%.*s\": missing '=' "
                               "after attribute name",
                               STR_ARG(word));
        if (!take_attribute(policy_out, name, value, &is_match_given, arena, why))
            return false;
    }
    take_given(policy_out);
    return true;
}

struct strlist encryption_match_names(const struct strlist *match, struct str nexthop, struct str host,
                                      struct arena *arena)
{
    struct strlist names = { .count = 0 };

    for (size_t i = 0; i < match->count; i++) {
        struct str word = match->items[i];

        if (str_equal_nocase(word, STR("nexthop")))
            strlist_add(&names, arena, nexthop);
        else if (str_equal_nocase(word, STR("dot-nexthop")))
            strlist_add(&names, arena, arena_printf(arena, ".%.*s", STR_ARG(nexthop)));
        else if (str_equal_nocase(word, STR("hostname")))
            strlist_add(&names, arena, host);
        else
            strlist_add(&names, arena, word);
    }
    return names;
}
