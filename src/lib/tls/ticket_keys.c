/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/ticket_keys.h"

#include "os/random.h"

#include <openssl/crypto.h>
#include <string.h>

/* By so much clocks are corrected. */
enum { CORRECTION_SECONDS = 60 };

/* A clock that was set back makes no key live longer. */
static bool is_younger(const struct tls_ticket_key *key, struct duration time, struct instant now)
{
    int64_t age = instant_since(now, key->made).us;

    return age >= -seconds(CORRECTION_SECONDS).us && age < time.us;
}

static void remove_at(struct tls_ticket_keys *keys, size_t place)
{
    memmove(&keys->keys[place], &keys->keys[place + 1], (keys->count - place - 1) * sizeof keys->keys[0]);
    keys->count--;
    OPENSSL_cleanse(&keys->keys[keys->count], sizeof keys->keys[0]);
}

static void put_at(struct tls_ticket_keys *keys, size_t place, const struct tls_ticket_key *key)
{
    if (place >= TLSMGR_TICKET_KEYS_MAXIMUM)
        return;
    if (keys->count == TLSMGR_TICKET_KEYS_MAXIMUM)
        remove_at(keys, keys->count - 1);
    memmove(&keys->keys[place + 1], &keys->keys[place], (keys->count - place) * sizeof keys->keys[0]);
    keys->keys[place] = *key;
    keys->count++;
}

static void forget_old(struct tls_ticket_keys *keys, struct duration lifetime, struct instant now)
{
    const struct duration twice = { 2 * lifetime.us };

    for (size_t i = keys->count; i > 0; i--) {
        if (!is_younger(&keys->keys[i - 1], twice, now))
            remove_at(keys, i - 1);
    }
}

bool tls_ticket_keys_is_due(struct tls_ticket_keys *keys, struct duration lifetime, struct instant now)
{
    forget_old(keys, lifetime, now);
    return keys->count == 0 || !is_younger(&keys->keys[0], lifetime, now);
}

const struct tls_ticket_key *tls_ticket_keys_current(struct tls_ticket_keys *keys, struct duration lifetime,
                                                     struct instant now)
{
    struct tls_ticket_key made = { .made = now };

    if (tls_ticket_keys_is_due(keys, lifetime, now)) {
        random_bytes(made.name, sizeof made.name);
        random_bytes(made.cipher, sizeof made.cipher);
        random_bytes(made.digest, sizeof made.digest);
        put_at(keys, 0, &made);
        OPENSSL_cleanse(&made, sizeof made);
    }
    return &keys->keys[0];
}

static size_t place_of(const struct tls_ticket_keys *keys, const unsigned char *name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->keys[i].name, name, sizeof keys->keys[i].name) == 0)
            return i;
    }
    return keys->count;
}

const struct tls_ticket_key *tls_ticket_keys_find(struct tls_ticket_keys *keys, const unsigned char *name,
                                                  struct duration lifetime, struct instant now)
{
    size_t place;

    forget_old(keys, lifetime, now);
    place = place_of(keys, name);
    return place < keys->count ? &keys->keys[place] : NULL;
}

static bool read_key(const struct tlsmgr_ticket_key *from, struct tls_ticket_key *key_out)
{
    if (from->name.len != sizeof key_out->name || from->cipher.len != sizeof key_out->cipher ||
        from->digest.len != sizeof key_out->digest)
        return false;
    memcpy(key_out->name, from->name.data, sizeof key_out->name);
    memcpy(key_out->cipher, from->cipher.data, sizeof key_out->cipher);
    memcpy(key_out->digest, from->digest.data, sizeof key_out->digest);
    key_out->made = from->made;
    return true;
}

void tls_ticket_keys_take(struct tls_ticket_keys *keys, const struct records *from, bool in_front)
{
    const struct tlsmgr_ticket_key *items = from->items;
    size_t place = in_front ? 0 : keys->count;
    struct tls_ticket_key key;

    for (size_t i = 0; i < from->count; i++) {
        size_t known;

        if (!read_key(&items[i], &key))
            continue;
        known = place_of(keys, key.name);
        if (known < keys->count && !in_front)
            continue;
        if (known < keys->count)
            remove_at(keys, known);
        put_at(keys, place++, &key);
    }
    OPENSSL_cleanse(&key, sizeof key);
}

struct records tls_ticket_keys_give(const struct tls_ticket_keys *keys, struct arena *arena)
{
    struct tlsmgr_ticket_key *items = arena_new_array(arena, TLSMGR_TICKET_KEYS_MAXIMUM, struct tlsmgr_ticket_key);

    for (size_t i = 0; i < keys->count; i++) {
        const struct tls_ticket_key *key = &keys->keys[i];

        items[i] = (struct tlsmgr_ticket_key){
            .name = str_make((const char *) key->name, sizeof key->name),
            .cipher = str_make((const char *) key->cipher, sizeof key->cipher),
            .digest = str_make((const char *) key->digest, sizeof key->digest),
            .made = key->made,
        };
    }
    return (struct records){ items, keys->count };
}

void tls_ticket_keys_wipe(struct tls_ticket_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}
