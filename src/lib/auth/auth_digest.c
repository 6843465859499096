/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_digest.h"

#include "os/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { SALT_BYTES = 16, DIGEST_BYTES = 32, SALT_DIGITS = SALT_BYTES * 2 };

static void append_hex(char *text, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

/* text begins with the salt's digits; the digest's go behind them. */
static bool add_digest(struct str password, char text[AUTH_DIGEST_SIZE])
{
    unsigned char digest[DIGEST_BYTES];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(context, text, SALT_DIGITS) == 1 &&
                   EVP_DigestUpdate(context, password.data, password.len) == 1 &&
                   EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (is_good)
        append_hex(text + SALT_DIGITS, digest, DIGEST_BYTES);
    return is_good;
}

bool auth_digest_make(struct str password, char text[AUTH_DIGEST_SIZE])
{
    unsigned char salt[SALT_BYTES];

    random_bytes(salt, sizeof(salt));
    append_hex(text, salt, sizeof(salt));
    return add_digest(password, text);
}

bool auth_digest_fits(struct str digest, struct str password)
{
    char text[AUTH_DIGEST_SIZE];

    if (digest.len != AUTH_DIGEST_SIZE - 1)
        return false;
    /* UNSAFE: the length was compared */
    memcpy(text, digest.data, SALT_DIGITS);
    return add_digest(password, text) && CRYPTO_memcmp(text, digest.data, AUTH_DIGEST_SIZE - 1) == 0;
}
