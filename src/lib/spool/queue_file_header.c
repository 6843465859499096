/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_header.h"

#include "spool/bytes.h"

enum {
    FILE_VERSION = 1,
    AT_VERSION = 4,
    AT_ID = 8,
    AT_SALT = 16,
    AT_CREATED = 32,
    AT_DIGEST = 56,
};

static const char magic[4] = { 'M', 'P', 'Q', 'F' };

void queue_file_header_encode(const struct queue_file_header *header, unsigned char bytes[QUEUE_FILE_HEADER_SIZE])
{
    memset(bytes, 0, QUEUE_FILE_HEADER_SIZE);
    memcpy(bytes, magic, sizeof(magic));
    bytes_put_u32(bytes + AT_VERSION, FILE_VERSION);
    bytes_put_u64(bytes + AT_ID, header->id.value);
    memcpy(bytes + AT_SALT, header->salt.bytes, SEAL_SALT_SIZE);
    bytes_put_u64(bytes + AT_CREATED, (uint64_t) header->created.us);
    bytes_put_u64(bytes + AT_DIGEST, seal_header_digest(str_make((const char *) bytes, AT_DIGEST)));
}

bool queue_file_header_decode(struct str bytes, struct queue_file_header *header_out)
{
    const unsigned char *at = (const unsigned char *) bytes.data;

    if (bytes.len < QUEUE_FILE_HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0 ||
        bytes_get_u32(at + AT_VERSION) != FILE_VERSION ||
        bytes_get_u64(at + AT_DIGEST) != seal_header_digest(str_part(bytes, 0, AT_DIGEST)))
        return false;
    header_out->id = (struct queue_id){ bytes_get_u64(at + AT_ID) };
    header_out->created = (struct instant){ (int64_t) bytes_get_u64(at + AT_CREATED) };
    memcpy(header_out->salt.bytes, at + AT_SALT, SEAL_SALT_SIZE);
    return true;
}
