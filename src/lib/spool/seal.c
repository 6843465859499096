/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/seal.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/random.h"
#include "spool/bytes.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

struct seal_stream {
    struct seal seal; /* xxhash keeps a pointer to the secret */
    XXH3_state_t *state;
};

struct seal_salt seal_salt_draw(void)
{
    struct seal_salt salt;

    random_bytes(salt.bytes, sizeof(salt.bytes));
    return salt;
}

void seal_init(struct seal *seal, const struct seal_salt *salt, uint64_t context)
{
    unsigned char seed[SEAL_SALT_SIZE + 8];
    XXH_errorcode code;

    memcpy(seed, salt->bytes, SEAL_SALT_SIZE);
    bytes_put_u64(seed + SEAL_SALT_SIZE, context);
    code = XXH3_generateSecret(seal->secret, sizeof(seal->secret), seed, sizeof(seed));
    CHECK(code == XXH_OK);
}

uint64_t seal_digest(const struct seal *seal, struct str bytes)
{
    return XXH3_64bits_withSecret(bytes.data, bytes.len, seal->secret, sizeof(seal->secret));
}

uint64_t seal_header_digest(struct str bytes)
{
    static const struct seal_salt zero;
    struct seal seal;

    seal_init(&seal, &zero, SEAL_CONTEXT_HEADER);
    return seal_digest(&seal, bytes);
}

struct seal_stream *seal_stream_create(const struct seal *seal)
{
    struct seal_stream *stream = memory_alloc(sizeof(*stream));
    XXH_errorcode code;

    stream->seal = *seal;
    stream->state = XXH3_createState();
    CHECK(stream->state != NULL);
    code = XXH3_64bits_reset_withSecret(stream->state, stream->seal.secret, sizeof(stream->seal.secret));
    CHECK(code == XXH_OK);
    return stream;
}

void seal_stream_add(struct seal_stream *stream, struct str bytes)
{
    XXH3_64bits_update(stream->state, bytes.data, bytes.len);
}

uint64_t seal_stream_finish(struct seal_stream **stream)
{
    uint64_t digest;

    if (*stream == NULL)
        return 0;
    digest = XXH3_64bits_digest((*stream)->state);
    XXH3_freeState((*stream)->state);
    memory_free(*stream);
    *stream = NULL;
    return digest;
}
