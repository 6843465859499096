/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/site_marks.h"

#include "mail/address.h"

/* The last bit says that the others are known. */
static const uint64_t known = UINT64_C(1) << 63;

enum { MARKS = 63 };

/* FNV-1a */
static uint64_t hash_of(struct str site)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < site.len; i++)
        hash = (hash ^ (unsigned char) char_to_lower(site.data[i])) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t marks_of(struct str site)
{
    uint64_t hash = hash_of(site);

    return UINT64_C(1) << (hash >> 32) % MARKS | UINT64_C(1) << (hash & UINT32_MAX) % MARKS;
}

static bool is_open(const struct envelope_recipient *recipient)
{
    return recipient->status == RECIPIENT_PENDING || recipient->status == RECIPIENT_FAILED;
}

uint64_t site_marks_of(const struct envelope *envelope)
{
    uint64_t marks = known;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (is_open(&envelope->recipients[i]))
            marks |= marks_of(address_domain(envelope->recipients[i].address));
    }
    return marks;
}

bool site_marks_may_have(uint64_t marks, struct str site)
{
    uint64_t wanted = marks_of(site);

    return marks == 0 || (marks & wanted) == wanted;
}

bool site_has_recipient(const struct envelope *envelope, struct str site)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (is_open(&envelope->recipients[i]) &&
            str_equal_nocase(address_domain(envelope->recipients[i].address), site))
            return true;
    }
    return false;
}
