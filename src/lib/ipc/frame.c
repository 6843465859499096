/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/frame.h"

#include "base/check.h"
#include "ipc/channel.h"

enum { HELLO_MAGIC_SIZE = 4 };

static const char hello_magic[HELLO_MAGIC_SIZE] = { CHANNEL_FIRST_BYTE, 'M', 'P', 'I' };

static void encode_u32(uint32_t value, char *bytes)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (char) (value >> (8 * i));
}

static uint32_t decode_u32(const char *bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < 4; i++)
        value |= (uint32_t) (unsigned char) bytes[i] << (8 * i);
    return value;
}

void frame_put(struct strbuf *out, const struct frame *frame)
{
    char header[FRAME_HEADER_SIZE] = { 0 };

    encode_u32(frame->len, header);
    encode_u32(frame->call, header + 4);
    header[8] = (char) frame->kind;
    header[9] = (char) frame->message;
    header[10] = frame->has_fd ? 1 : 0;
    strbuf_append_bytes(out, header, sizeof header);
}

void frame_set_len(struct strbuf *out, size_t start, uint32_t len)
{
    CHECK(start + FRAME_HEADER_SIZE <= out->len);
    encode_u32(len, out->data + start);
}

bool frame_parse(struct str header, struct frame *frame_out, struct failure *why)
{
    struct frame frame;

    CHECK(header.len == FRAME_HEADER_SIZE);
    if ((unsigned char) header.data[8] > FRAME_GOODBYE || (unsigned char) header.data[10] > 1 || header.data[11] != 0)
        return failure_set(why, FAILURE_PROTOCOL, 0, "malformed frame header");
    frame = (struct frame){
        .len = decode_u32(header.data),
        .call = decode_u32(header.data + 4),
        .kind = (enum frame_kind) header.data[8],
        .message = (uint8_t) header.data[9],
        .has_fd = header.data[10] == 1,
    };
    if (frame.len > CHANNEL_FRAME_MAXIMUM ||
        ((frame.kind == FRAME_END || frame.kind == FRAME_GOODBYE) && frame.len != 0) ||
        (frame.kind == FRAME_CREDIT && frame.len != FRAME_CREDIT_SIZE) || (frame.kind != FRAME_MESSAGE && frame.has_fd))
        return failure_set(why, FAILURE_PROTOCOL, 0, "frame of kind %d with %u bytes", (int) frame.kind, frame.len);
    *frame_out = frame;
    return true;
}

uint32_t frame_parse_credit(struct str payload)
{
    CHECK(payload.len == FRAME_CREDIT_SIZE);
    return decode_u32(payload.data);
}

void frame_put_credit(struct strbuf *out, uint32_t call, uint32_t bytes)
{
    struct frame frame = { .len = FRAME_CREDIT_SIZE, .call = call, .kind = FRAME_CREDIT };
    char payload[FRAME_CREDIT_SIZE];

    frame_put(out, &frame);
    encode_u32(bytes, payload);
    strbuf_append_bytes(out, payload, sizeof payload);
}

void frame_put_hello(struct strbuf *out, const struct protocol *protocol)
{
    char hello[FRAME_HELLO_SIZE] = { 0 };
    size_t name_len = strlen(protocol->name);

    CHECK(name_len < FRAME_NAME_SIZE);
    memcpy(hello, hello_magic, sizeof hello_magic);
    encode_u32(protocol->version, hello + HELLO_MAGIC_SIZE);
    memcpy(hello + HELLO_MAGIC_SIZE + 4, protocol->name, name_len);
    strbuf_append_bytes(out, hello, sizeof hello);
}

bool frame_check_hello(struct str hello, const struct protocol *protocol, struct failure *why)
{
    struct str name = str_part(hello, HELLO_MAGIC_SIZE + 4, FRAME_NAME_SIZE);
    size_t end = str_find_char(name, '\0');
    uint32_t version;

    CHECK(hello.len == FRAME_HELLO_SIZE);
    if (memcmp(hello.data, hello_magic, sizeof hello_magic) != 0 || end == STR_NOT_FOUND)
        return failure_set(why, FAILURE_PROTOCOL, 0, "the peer does not speak the protocol \"%s\"", protocol->name);
    version = decode_u32(hello.data + HELLO_MAGIC_SIZE);
    name.len = end;
    if (!str_equal(name, str_from_c(protocol->name)) || version != protocol->version)
        return failure_set(why, FAILURE_PROTOCOL, 0, "the peer speaks \"%.*s\" version %u, not \"%s\" version %u",
                           STR_ARG(name), version, protocol->name, protocol->version);
    return true;
}
