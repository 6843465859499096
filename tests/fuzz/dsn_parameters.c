/* SPDX-License-Identifier: Apache-2.0 */
/* What clients and command lines say of notifications: NOTIFY, RET, ORCPT, ENVID, XVERP, enhanced status codes. */

#include "base/arena.h"
#include "base/check.h"
#include "mail/domain.h"
#include "mail/dsn.h"
#include "mail/verp.h"
#include "mail/xtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_notify(struct str text)
{
    struct strbuf again;
    unsigned notify;
    unsigned second;

    if (!dsn_notify_parse(text, &notify))
        return;
    CHECK(notify != 0 && ((notify & DSN_NOTIFY_NEVER) == 0 || notify == DSN_NOTIFY_NEVER));
    strbuf_init(&again, 100);
    CHECK(dsn_notify_append(&again, notify));
    CHECK(dsn_notify_parse(strbuf_str(&again), &second) && second == notify);
    strbuf_done(&again);
}

static void read_return(struct str text)
{
    enum dsn_return what;

    if (dsn_return_parse(text, &what))
        CHECK(str_equal_nocase(dsn_return_name(what), text));
}

static void read_recipient(struct arena *arena, struct str text)
{
    struct str type;
    struct str address;

    if (!dsn_orcpt_parse(arena, text, &type, &address))
        return;
    CHECK(type.len > 0 && type.len + address.len < text.len);
    CHECK(!str_contains_char(address, '\n') && !str_contains_char(address, '\r') && !str_contains_char(address, '\0'));
}

static void read_xtext(struct str text)
{
    struct strbuf decoded;
    struct strbuf encoded;
    struct strbuf again;

    strbuf_init(&decoded, STRBUF_UNLIMITED);
    strbuf_init(&encoded, STRBUF_UNLIMITED);
    strbuf_init(&again, STRBUF_UNLIMITED);
    if (xtext_decode(&decoded, text)) {
        xtext_encode(&encoded, strbuf_str(&decoded), "");
        CHECK(xtext_decode(&again, strbuf_str(&encoded)));
        CHECK(str_equal(strbuf_str(&again), strbuf_str(&decoded)));
    }
    strbuf_done(&decoded);
    strbuf_done(&encoded);
    strbuf_done(&again);
}

static void read_xtext_of_utf8(struct str text)
{
    struct strbuf decoded;
    struct strbuf encoded;
    struct strbuf again;

    strbuf_init(&decoded, STRBUF_UNLIMITED);
    strbuf_init(&encoded, STRBUF_UNLIMITED);
    strbuf_init(&again, STRBUF_UNLIMITED);
    xtext_encode_utf8(&encoded, text);
    CHECK(domain_is_ascii(strbuf_str(&encoded)));
    if (xtext_decode_utf8(&decoded, text)) {
        strbuf_clear(&encoded);
        xtext_encode_utf8(&encoded, strbuf_str(&decoded));
        CHECK(xtext_decode_utf8(&again, strbuf_str(&encoded)));
        CHECK(str_equal(strbuf_str(&again), strbuf_str(&decoded)));
    }
    strbuf_done(&decoded);
    strbuf_done(&encoded);
    strbuf_done(&again);
}

static void read_verp(struct str text)
{
    struct str delimiters = str_part(text, 0, 2);
    struct strbuf sender;

    if (!verp_delimiters_are_good(delimiters, STR("-=+")))
        return;
    strbuf_init(&sender, STRBUF_UNLIMITED);
    CHECK(verp_append_sender(&sender, text, delimiters, str_from(text, 2)));
    CHECK(sender.len >= text.len);
    strbuf_done(&sender);
}

static void read_status(struct str text)
{
    char buffer[DSN_STATUS_SIZE];
    struct dsn_status status;
    struct dsn_status again;
    struct str detail;

    if (dsn_status_parse(text, &status))
        CHECK(dsn_status_parse(dsn_status_format(status, buffer), &again) && again.detail == status.detail);
    status = dsn_split_text(text, DSN_STATUS(5, 0, 0), true, &detail);
    CHECK(status.class == 5 && detail.len <= text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct str rest = str_make((const char *) data, size);
    struct str line;

    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        read_notify(line);
        read_return(line);
        read_recipient(arena, line);
        read_xtext(line);
        read_xtext_of_utf8(line);
        read_verp(line);
        read_status(line);
    }
    arena_destroy(&arena);
    return 0;
}
