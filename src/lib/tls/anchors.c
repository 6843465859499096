/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/anchors.h"

#include "base/strbuf.h"
#include "os/file.h"
#include "tls/library.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

enum { FILE_MAXIMUM = 4 << 20, USAGE_TRUST_ANCHOR = 2, SELECTOR_CERTIFICATE = 0, SELECTOR_KEY = 1, MATCHING_FULL = 0 };

static bool add(struct tls_anchors *anchors, uint8_t selector, const unsigned char *der, long len, struct arena *arena)
{
    if (len <= 0 || anchors->count == TLS_ANCHORS_MAXIMUM)
        return false;
    if (anchors->records == NULL)
        anchors->records = arena_new_array(arena, TLS_ANCHORS_MAXIMUM, struct dns_record);
    anchors->records[anchors->count++] = (struct dns_record){
        .type = DNS_TYPE_TLSA,
        .tlsa_usage = USAGE_TRUST_ANCHOR,
        .tlsa_selector = selector,
        .tlsa_matching = MATCHING_FULL,
        .data = arena_str(arena, str_make((const char *) der, (size_t) len)),
    };
    return true;
}

/* What is no certificate and no key is passed over, as a comment is. */
static bool add_part(struct tls_anchors *anchors, const char *name, const unsigned char *der, long len,
                     struct arena *arena)
{
    struct str kind = str_from_c(name);

    if (str_equal(kind, STR(PEM_STRING_PUBLIC)))
        return add(anchors, SELECTOR_KEY, der, len, arena);
    if (str_equal(kind, STR(PEM_STRING_X509)) || str_equal(kind, STR(PEM_STRING_X509_OLD)))
        return add(anchors, SELECTOR_CERTIFICATE, der, len, arena);
    return true;
}

static bool add_parts(struct tls_anchors *anchors, BIO *text, struct arena *arena)
{
    unsigned char *der = NULL;
    char *name = NULL, *header = NULL;
    bool is_added = true;
    long len;

    while (is_added && PEM_read_bio(text, &name, &header, &der, &len) == 1) {
        is_added = add_part(anchors, name, der, len, arena);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(der);
    }
    tls_library_begin();
    return is_added;
}

bool tls_anchors_read(struct tls_anchors *anchors, const char *path, struct arena *arena, struct failure *why)
{
    size_t before = anchors->count;
    struct strbuf text;
    bool is_read;
    BIO *memory;

    strbuf_init(&text, FILE_MAXIMUM);
    is_read = file_load(path, &text, why);
    if (is_read) {
        memory = BIO_new_mem_buf(text.data == NULL ? "" : text.data, (int) text.len);
        is_read = memory != NULL && add_parts(anchors, memory, arena);
        BIO_free(memory);
        if (!is_read)
            (void) failure_set(why, FAILURE_CONFIGURATION, 0, "%s: more than %d trust anchors", path,
                               TLS_ANCHORS_MAXIMUM);
    }
    strbuf_done(&text);
    if (is_read && anchors->count == before)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: no certificate and no public key in PEM is in it", path);
    return is_read;
}
