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

void encryption_policy_match_host(struct encryption_policy *policy, struct arena *arena)
{
    policy->match.count = 0;
    strlist_add(&policy->match, arena, STR("hostname"));
    policy->server_name = STR("hostname");
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

/* What a text has said so far of where it comes from (Postfix 3.10: for reports, and for MTA-STS). */
struct origin {
    bool is_sts;
    struct strlist patterns;
};

/* What only reports would tell is overlooked. */
static bool take_origin(struct origin *origin, struct str name, struct str value, struct arena *arena,
                        bool *is_taken_out, struct failure *why)
{
    *is_taken_out = true;
    if (str_equal_nocase(name, STR("policy_type"))) {
        origin->is_sts = str_equal_nocase(value, STR("sts"));
        return origin->is_sts || str_equal_nocase(value, STR("no-policy-found")) ||
               failure_set(why, FAILURE_CONFIGURATION, 0, "invalid policy_type value \"%.*s\"", STR_ARG(value));
    }
    if (str_equal_nocase(name, STR("mx_host_pattern"))) {
        strlist_add(&origin->patterns, arena, value);
        return true;
    }
    *is_taken_out = str_equal_nocase(name, STR("policy_domain")) || str_equal_nocase(name, STR("policy_ttl")) ||
                    str_equal_nocase(name, STR("policy_string")) || str_equal_nocase(name, STR("policy_failure"));
    return true;
}

static bool take_attribute(struct encryption_policy *policy, struct str name, struct str value, bool *is_match_given,
                           struct arena *arena, struct failure *why)
{
    bool is_match = str_equal_nocase(name, STR("match"));

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

/* "name=value", or "{ name = value with blanks }". False: none is left; or, with why's text set, it is malformed. */
static bool next_attribute(struct str *rest, struct str *name_out, struct str *value_out, struct failure *why)
{
    struct str word, after;
    bool is_braced;

    why->text[0] = '\0';
    while (rest->len > 0 && strchr(list_separators, rest->data[0]) != NULL)
        *rest = str_from(*rest, 1);
    is_braced = str_starts_with(*rest, STR("{"));
    if (is_braced) {
        if (!str_cut(str_from(*rest, 1), '}', &word, &after))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "missing '}' in \"%.*s\"", STR_ARG(*rest));
        *rest = after;
    } else if (!str_next_word(rest, list_separators, &word)) {
        return false;
    }
    if (!str_cut(word, '=', name_out, value_out))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "malformed attribute/value pair \"%.*s\": missing '=' "
                           "after attribute name",
                           STR_ARG(word));
    if (is_braced) {
        *name_out = str_trim(*name_out);
        *value_out = str_trim(*value_out);
    }
    if (value_out->len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "attribute \"%.*s\" has empty value", STR_ARG(*name_out));
    return true;
}

/* As for policies that we have found ourselves; at levels that prove nobody they are only told of, so it may be. */
static void heed_origin(const struct encryption_settings *settings, const struct origin *origin,
                        struct encryption_policy *policy, struct arena *arena)
{
    if (!settings->enforce_sts_patterns || !origin->is_sts || origin->patterns.count == 0 ||
        policy->level < ENCRYPTION_VERIFY)
        return;
    policy->sts_patterns = origin->patterns;
    encryption_policy_match_host(policy, arena);
}

bool encryption_policy_parse(const struct encryption_settings *settings, struct str text, struct arena *arena,
                             struct encryption_policy *policy_out, struct failure *why)
{
    struct origin origin = { .is_sts = false };
    bool is_match_given = false, is_taken;
    enum encryption_level level;
    struct str word, name, value;

    if (!str_next_word(&text, list_separators, &word))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid empty policy");
    if (!encryption_level_parse(word, &level))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "invalid security level \"%.*s\"", STR_ARG(word));
    *policy_out = encryption_policy_at(settings, level, arena);
    while (next_attribute(&text, &name, &value, why)) {
        if (!take_origin(&origin, name, value, arena, &is_taken, why) ||
            (!is_taken && !take_attribute(policy_out, name, value, &is_match_given, arena, why)))
            return false;
    }
    if (why->text[0] != '\0')
        return false;
    take_given(policy_out);
    heed_origin(settings, &origin, policy_out, arena);
    return true;
}

/* In order of weight: what stands behind overrides what stands before. */
static const struct {
    const char *word;
    enum encryption_level level;
} site_words[] = {
    { "MAY", ENCRYPTION_MAY },
    { "NONE", ENCRYPTION_NONE },
    { "MUST_NOPEERMATCH", ENCRYPTION_ENCRYPT },
    { "MUST", ENCRYPTION_VERIFY },
};

/* One more than its place; 0: nothing was found. */
static bool weigh_site(struct str text, size_t *weight, struct failure *why)
{
    if (text.len == 0)
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(site_words); i++) {
        if (!str_equal_nocase(str_trim(text), str_from_c(site_words[i].word)))
            continue;
        *weight = *weight > i + 1 ? *weight : i + 1;
        return true;
    }
    return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown TLS policy \"%.*s\"", STR_ARG(text));
}

bool encryption_level_of_site(struct str by_nexthop, struct str by_host, enum encryption_level usual,
                              enum encryption_level *level_out, struct failure *why)
{
    enum encryption_level level;
    size_t weight = 0;

    if (!weigh_site(by_nexthop, &weight, why) || !weigh_site(by_host, &weight, why))
        return false;
    level = weight > 0 ? site_words[weight - 1].level : usual;
    *level_out = level == ENCRYPTION_MAY && usual > level ? usual : level;
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
