/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/features.h"

#include "base/compiler.h"
#include "config/setting_words.h"
#include "log/log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>

#include <string.h>

void features_print_server_logins(FILE *out)
{
    fputs("cyrus\ndovecot\n", out);
}

void features_print_client_logins(FILE *out)
{
    fputs("cyrus\n", out);
}

void features_print_locks(FILE *out)
{
    int i;

    for (i = 0; setting_words_locks[i] != NULL; i++)
        fprintf(out, "%s\n", setting_words_locks[i]);
}

static void print_key_algorithms(FILE *out)
{
    /* The order and names of stock; OpenSSL knows whether it was built with them. */
    static const struct {
        const char *name;
        const char *openssl_name;
    } rows[] = { { "dsa", "DSA" }, { "ecdsa", "EC" }, { "rsa", "RSA" } };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(rows); i++) {
        EVP_KEYMGMT *management = EVP_KEYMGMT_fetch(NULL, rows[i].openssl_name, NULL);

        if (management != NULL)
            fprintf(out, "%s\n", rows[i].name);
        EVP_KEYMGMT_free(management);
    }
}

int features_print_tls(FILE *out, const char *mode)
{
    if (strcmp(mode, "compile-version") == 0)
        fprintf(out, "%s\n", OPENSSL_VERSION_TEXT);
    else if (strcmp(mode, "run-version") == 0)
        fprintf(out, "%s\n", OpenSSL_version(OPENSSL_VERSION));
    else if (strcmp(mode, "public-key-algorithms") == 0)
        print_key_algorithms(out);
    else
        return log_fail(1, "unknown 'postconf -T' mode: %s", mode);
    return 0;
}
