/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_header.h"

#include "unit.h"

TEST(a_header_is_read_back_and_every_flipped_bit_is_seen)
{
    struct queue_file_header header = { .salt = { { 1, 2, 3 } }, .created = { 1767225600000000 } };
    unsigned char bytes[QUEUE_FILE_HEADER_SIZE] = { 0 };
    struct queue_file_header again;
    struct str text = str_make((const char *) bytes, sizeof(bytes));

    header.id = queue_id_make(77, 3, false);
    queue_file_header_encode(&header, bytes);
    EXPECT(queue_file_header_decode(text, &again));
    EXPECT(queue_id_equal(again.id, header.id));
    EXPECT_INT(again.created.us, header.created.us);
    EXPECT(memcmp(again.salt.bytes, header.salt.bytes, SEAL_SALT_SIZE) == 0);
    EXPECT_FALSE(queue_file_header_decode(str_part(text, 0, sizeof(bytes) - 1), &again));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char) (1 << bit % 8);
        EXPECT_FALSE(queue_file_header_decode(text, &again));
        bytes[bit / 8] ^= (unsigned char) (1 << bit % 8);
    }
}
