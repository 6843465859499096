/* SPDX-License-Identifier: Apache-2.0 */
/* tlsa - a TLSA record of anybody's: usage, selector and matching type in the first three bytes, then its data. */

#include "base/check.h"
#include "tls/dane.h"
#include "tls/library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *context, const char *text)
{
    (void) context, (void) text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tls_listener listener = { ignore, ignore, NULL };
    static struct tls_dane_digests digests;
    static SSL_CTX *context;
    struct arena *arena = arena_create();
    struct strlist names = strlist_split(arena, STR("mx.example.test"), " ");
    struct dns_record record = { .type = DNS_TYPE_TLSA };
    const char *problem = NULL;

    if (context == NULL) {
        tls_dane_digests_parse(STR("sha512 sha256"), &listener, &digests);
        context = SSL_CTX_new(TLS_client_method());
        CHECK(tls_dane_allow(&digests, context));
    }
    if (size >= 3) {
        SSL *connection = SSL_new(context);
        bool is_usable;

        record.tlsa_usage = data[0];
        record.tlsa_selector = data[1];
        record.tlsa_matching = data[2];
        record.data = str_make((const char *) data + 3, size - 3);
        is_usable = tls_dane_is_usable(&digests, &record, &problem);
        CHECK(is_usable == (problem == NULL));
        CHECK(tls_dane_text(&record, arena).len <= 12 + 128 + 3);
        /* What is taken for usable, OpenSSL can use; nothing else makes a demand. */
        CHECK(tls_dane_demand(&digests, connection, &record, 1, &names, arena) == is_usable);
        SSL_free(connection);
    }
    tls_library_begin();
    arena_destroy(&arena);
    return 0;
}
