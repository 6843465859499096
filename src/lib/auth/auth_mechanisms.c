/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_mechanisms.h"

static const struct {
    const char *name;
    unsigned trait;
} traits[] = {
    { "plaintext", AUTH_IS_PLAINTEXT },
    { "active", AUTH_IS_ACTIVE },
    { "dictionary", AUTH_IS_DICTIONARY },
    { "anonymous", AUTH_IS_ANONYMOUS },
    { "forward-secrecy", AUTH_HAS_FORWARD_SECRECY },
    { "mutual-auth", AUTH_IS_MUTUAL },
    { "private", AUTH_IS_PRIVATE },
};

const char *const auth_security_words[] = { "noplaintext", "noactive", "nodictionary", "noanonymous", "forward_secrecy",
                                            "mutual_auth", NULL };

static const struct auth_security meanings[] = {
    { AUTH_IS_PLAINTEXT, 0 }, { AUTH_IS_ACTIVE, 0 },           { AUTH_IS_DICTIONARY, 0 },
    { AUTH_IS_ANONYMOUS, 0 }, { 0, AUTH_HAS_FORWARD_SECRECY }, { 0, AUTH_IS_MUTUAL },
};

struct auth_security auth_security_of(const struct strlist *words)
{
    struct auth_security security = { 0, 0 };

    for (size_t i = 0; auth_security_words[i] != NULL; i++) {
        if (!strlist_contains_nocase(words, str_from_c(auth_security_words[i])))
            continue;
        security.forbidden |= meanings[i].forbidden;
        security.required |= meanings[i].required;
    }
    return security;
}

bool auth_security_allows(struct auth_security security, unsigned has)
{
    return (has & security.forbidden) == 0 && (has & security.required) == security.required;
}

/* RFC 4422 section 3.1; lower case is a matter of taste. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is_alnum(name.data[i]) && name.data[i] != '-' && name.data[i] != '_')
            return false;
    }
    return name.len > 0 && name.len <= AUTH_MECHANISM_NAME_MAXIMUM;
}

bool auth_mechanisms_add(struct auth_mechanisms *mechanisms, const struct auth_line *line, struct arena *arena)
{
    struct auth_mechanism mechanism = { .traits = 0 };
    char *name;

    if (mechanisms->count >= AUTH_MECHANISMS_MAXIMUM || line->count == 0 || !is_name(line->fields[0]))
        return false;
    name = arena_c(arena, line->fields[0]);
    for (size_t i = 0; i < line->fields[0].len; i++)
        name[i] = char_to_upper(name[i]);
    mechanism.name = str_make(name, line->fields[0].len);
    for (size_t i = 0; i < ARRAY_COUNT(traits); i++) {
        if (auth_line_has(line, 1, traits[i].name))
            mechanism.traits |= traits[i].trait;
    }
    mechanisms->items[mechanisms->count++] = mechanism;
    return true;
}

void auth_mechanism_append_traits(struct strbuf *out, unsigned has)
{
    for (size_t i = 0; i < ARRAY_COUNT(traits); i++) {
        if (has & traits[i].trait)
            auth_line_add(out, str_from_c(traits[i].name));
    }
}
