/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/answer.h"

#include "dns/packet.h"

/* A chain of aliases longer than this inside one answer is a loop or a joke. */
enum { ALIAS_MAX = 16 };

enum { RCODE_NOERROR = 0, RCODE_NXDOMAIN = 3 };

/* What a record's bytes are turned into, by type. */
struct record_reader {
    enum dns_type type;
    const char *name;
    bool (*read)(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                 struct dns_record *record);
};

static bool read_address(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                         struct dns_record *record)
{
    struct str bytes = dns_packet_record_data(packet, raw);

    (void) arena;
    if (bytes.len != (raw->type == DNS_TYPE_A ? 4u : 16u))
        return false;
    return ip_address_from_bytes(bytes.data, bytes.len, &record->address);
}

static bool read_host(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                      struct dns_record *record)
{
    return dns_packet_take_name(packet, raw, arena, &record->name) && raw->left == 0 && dns_name_is_host(record->name);
}

static bool read_mx(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                    struct dns_record *record)
{
    return dns_packet_take_uint16(packet, raw, &record->preference) &&
           dns_packet_take_name(packet, raw, arena, &record->name) && raw->left == 0 &&
           (record->name.len == 0 || dns_name_is_host(record->name));
}

static bool read_srv(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                     struct dns_record *record)
{
    return dns_packet_take_uint16(packet, raw, &record->preference) &&
           dns_packet_take_uint16(packet, raw, &record->weight) && dns_packet_take_uint16(packet, raw, &record->port) &&
           dns_packet_take_name(packet, raw, arena, &record->name) && raw->left == 0 &&
           (record->name.len == 0 || dns_name_is_host(record->name));
}

static bool read_txt(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                     struct dns_record *record)
{
    char *text = arena_alloc(arena, raw->left + 1);
    size_t used = 0;

    while (raw->left > 0) {
        uint8_t len = 0;
        struct str part;

        if (!dns_packet_take_uint8(packet, raw, &len) || !dns_packet_take_bytes(packet, raw, len, &part))
            return false;
        if (part.len > 0)
            memcpy(text + used, part.data, part.len); /* UNSAFE: all parts together are shorter than the data */
        used += part.len;
    }
    record->data = str_make(text, used);
    return true;
}

static bool read_tlsa(struct dns_packet *packet, struct dns_packet_record *raw, struct arena *arena,
                      struct dns_record *record)
{
    struct str data;

    if (!dns_packet_take_uint8(packet, raw, &record->tlsa_usage) ||
        !dns_packet_take_uint8(packet, raw, &record->tlsa_selector) ||
        !dns_packet_take_uint8(packet, raw, &record->tlsa_matching) ||
        !dns_packet_take_bytes(packet, raw, raw->left, &data))
        return false;
    record->data = arena_str(arena, data);
    return true;
}

static const struct record_reader readers[] = {
    { DNS_TYPE_A, "A", read_address },      { DNS_TYPE_AAAA, "AAAA", read_address }, { DNS_TYPE_MX, "MX", read_mx },
    { DNS_TYPE_CNAME, "CNAME", read_host }, { DNS_TYPE_PTR, "PTR", read_host },      { DNS_TYPE_TXT, "TXT", read_txt },
    { DNS_TYPE_SRV, "SRV", read_srv },      { DNS_TYPE_TLSA, "TLSA", read_tlsa },    { DNS_TYPE_NS, "NS", read_host },
};

static const struct record_reader *find_reader(enum dns_type type)
{
    for (size_t i = 0; i < ARRAY_COUNT(readers); i++) {
        if (readers[i].type == type)
            return &readers[i];
    }
    return NULL;
}

const char *dns_type_name(enum dns_type type)
{
    const struct record_reader *reader = find_reader(type);

    return reader == NULL ? "?" : reader->name;
}

/* All answer records, owners resolved; false when the section cannot be walked. */
struct answer_section {
    struct dns_packet_record *records;
    size_t count;
};

static bool read_section(struct dns_packet *packet, struct arena *arena, struct answer_section *section)
{
    section->records = arena_new_array(arena, (size_t) packet->answer_count + 1, struct dns_packet_record);
    for (section->count = 0; section->count < packet->answer_count; section->count++) {
        if (!dns_packet_next_record(packet, arena, &section->records[section->count]))
            return false;
    }
    return true;
}

/* Follows the aliases that start at owner inside the section; the last name reached. */
static struct str follow_aliases(struct dns_packet *packet, const struct answer_section *section, struct arena *arena,
                                 struct str owner, enum dns_type type)
{
    for (int hop = 0; type != DNS_TYPE_CNAME && hop < ALIAS_MAX; hop++) {
        struct str next = { NULL, 0 };

        for (size_t i = 0; i < section->count && next.data == NULL; i++) {
            struct dns_packet_record raw = section->records[i];

            if (raw.type == DNS_TYPE_CNAME && str_equal(raw.owner, owner) &&
                !dns_packet_take_name(packet, &raw, arena, &next))
                next.data = NULL;
        }
        if (next.data == NULL)
            break;
        owner = next;
    }
    return owner;
}

static void collect(struct dns_packet *packet, const struct answer_section *section, struct arena *arena,
                    enum dns_type type, struct dns_answer *answer)
{
    const struct record_reader *reader = find_reader(type);

    answer->records = arena_new_array(arena, section->count + 1, struct dns_record);
    for (size_t i = 0; i < section->count; i++) {
        struct dns_packet_record raw = section->records[i];
        struct dns_record *record = &answer->records[answer->count];

        if (raw.type != type || !str_equal(raw.owner, answer->canonical_name))
            continue;
        *record = (struct dns_record){ .type = type, .ttl_seconds = raw.ttl_seconds };
        if (reader != NULL && reader->read(packet, &raw, arena, record))
            answer->count++;
        else
            answer->malformed_count++;
    }
}

static void conclude(struct dns_answer *answer, unsigned rcode)
{
    if (answer->count > 0) {
        answer->outcome = DNS_FOUND;
        answer->reason = "";
    } else if (rcode == RCODE_NXDOMAIN) {
        answer->outcome = DNS_ABSENT_NAME;
        answer->reason = "Host not found";
    } else if (answer->malformed_count > 0) {
        answer->outcome = DNS_UNKNOWN;
        answer->reason = "Malformed or unexpected name server reply";
    } else {
        answer->outcome = DNS_ABSENT_RECORD;
        answer->reason = "Host found but no data record of requested type";
    }
}

void dns_answer_parse(struct dns_answer *answer_out, struct arena *arena, const void *bytes, size_t len,
                      struct str name, enum dns_type type)
{
    struct dns_packet packet;
    struct answer_section section = { NULL, 0 };

    *answer_out = (struct dns_answer){ .outcome = DNS_UNKNOWN,
                                       .canonical_name = arena_lower(arena, name),
                                       .reason = "Malformed or unexpected name server reply" };
    if (!dns_packet_open(&packet, str_make(bytes, len)))
        return;
    if (packet.rcode != RCODE_NOERROR && packet.rcode != RCODE_NXDOMAIN) {
        answer_out->reason = "Host not found, try again";
        return;
    }
    /* The resolver has asked over TCP before; there is more than it holds, and nobody knows which records. */
    if (packet.is_truncated) {
        answer_out->reason = "Truncated name server reply";
        return;
    }
    if (!dns_packet_skip_questions(&packet) || !read_section(&packet, arena, &section))
        return;
    answer_out->canonical_name = follow_aliases(&packet, &section, arena, answer_out->canonical_name, type);
    collect(&packet, &section, arena, type, answer_out);
    conclude(answer_out, packet.rcode);
}
