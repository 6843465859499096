/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_SEAL_H
#define SPOOL_SEAL_H

#include "base/str.h"

/*
 * seal - checksums that only who knows the salt can make: 64 bits of XXH3 under a secret drawn from the 128-bit salt of
 * this use of a file and a context number, so that neither an earlier use nor the author of a mail body can
 * forge a frame.
 */
enum { SEAL_SALT_SIZE = 16, SEAL_SECRET_SIZE = 192 };

struct seal_salt {
    unsigned char bytes[SEAL_SALT_SIZE];
};

struct seal {
    unsigned char secret[SEAL_SECRET_SIZE];
};

/* Context numbers of queue files and of headers (which use an all-zero salt); segments use their own number. */
enum {
    SEAL_CONTEXT_FILE = 0,
};
#define SEAL_CONTEXT_LEDGER UINT64_C(0x100000000)
#define SEAL_CONTEXT_HEADER UINT64_C(0x7265646165680000)

struct seal_salt seal_salt_draw(void);
void seal_init(struct seal *seal, const struct seal_salt *salt, uint64_t context);
uint64_t seal_digest(const struct seal *seal, struct str bytes);

/* The checksum of headers: context header, salt zero. */
uint64_t seal_header_digest(struct str bytes);

/* A digest made in pieces. */
struct seal_stream;
struct seal_stream *seal_stream_create(const struct seal *seal);
void seal_stream_add(struct seal_stream *stream, struct str bytes);
/* Leaves *stream NULL; a NULL stream gives 0. */
uint64_t seal_stream_finish(struct seal_stream **stream);

#endif
