/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/sts_fetch.h"

#include "base/memory.h"
#include "base/strbuf.h"
#include "mail/sts_policy.h"
#include "os/environment.h"
#include "run/offload.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    PORT_HTTPS = 443,
    FETCHES_MAXIMUM = 8, /* at one time; others wait */
    ADDRESSES_MAXIMUM = 8,
    PLACE_SIZE = 1024, /* "mta-sts.DOMAIN:443:192.0.2.1,..." */
};

/* What is used of libcurl. */
struct curl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *handle);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

struct sts_fetcher {
    struct offload *offload;
    struct curl curl;
    struct strbuf authorities;
    struct duration timeout;
    uint64_t port;
    atomic_bool is_stopping;
    size_t given_up; /* fetches of which a thread may still know us */
};

/* The work of a thread: all that it needs is in here. */
struct fetch {
    struct sts_fetcher *fetcher;
    struct strbuf url;
    char place[PLACE_SIZE];
    struct strbuf text;
    bool is_good;
    struct failure why;
};

/* ---- libcurl ---- */

/* POSIX lets a pointer to a function come as one to data; ISO C has no way to write that. */
static bool find(void *library, const char *name, void *function, struct failure *why)
{
    void *symbol = dlsym(library, name);

    if (symbol == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "libcurl.so.4 has no %s", name);
    /* UNSAFE: function points to a pointer, and all pointers are of one size. */
    memcpy(function, &symbol, sizeof symbol);
    return true;
}

/* It stays until the process ends: its threads and ours know of it. */
static bool load_curl(struct curl *curl, struct failure *why)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "libcurl cannot be loaded: %s", dlerror());
    if (!find(library, "curl_global_init", &curl->global_init, why) ||
        !find(library, "curl_easy_init", &curl->easy_init, why) ||
        !find(library, "curl_easy_setopt", &curl->easy_setopt, why) ||
        !find(library, "curl_easy_perform", &curl->easy_perform, why) ||
        !find(library, "curl_easy_getinfo", &curl->easy_getinfo, why) ||
        !find(library, "curl_easy_cleanup", &curl->easy_cleanup, why) ||
        !find(library, "curl_easy_strerror", &curl->easy_strerror, why) ||
        !find(library, "curl_slist_append", &curl->slist_append, why) ||
        !find(library, "curl_slist_free_all", &curl->slist_free_all, why))
        return false;
    if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "libcurl cannot be used");
    return true;
}

/* ---- in a thread ---- */

static size_t take_text(char *data, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;

    return strbuf_append(&fetch->text, str_make(data, size * count)) ? size * count : 0;
}

static int is_called_off(void *context, curl_off_t all_down, curl_off_t down, curl_off_t all_up, curl_off_t up)
{
    const struct fetch *fetch = context;

    (void) all_down;
    (void) down;
    (void) all_up;
    (void) up;
    return atomic_load(&fetch->fetcher->is_stopping) ? 1 : 0;
}

static bool set_limits(const struct curl *curl, CURL *handle, const struct fetch *fetch)
{
    long timeout_ms = (long) (fetch->fetcher->timeout.us / 1000);

    return curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_MAXFILESIZE, (long) STS_TEXT_MAXIMUM) == CURLE_OK;
}

/* RFC 8461 section 3.3: the certificate is of mta-sts.DOMAIN and of somebody whom we believe. */
static bool set_proof(const struct curl *curl, CURL *handle, const struct fetch *fetch)
{
    struct str authorities = strbuf_str(&fetch->fetcher->authorities);
    struct curl_blob blob = { (void *) (uintptr_t) authorities.data, authorities.len, CURL_BLOB_COPY };

    return curl->easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_CAINFO, NULL) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

static bool set_work(const struct curl *curl, CURL *handle, struct fetch *fetch, struct curl_slist *place)
{
    return curl->easy_setopt(handle, CURLOPT_URL, strbuf_c(&fetch->url)) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_RESOLVE, place) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_text) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, is_called_off) == CURLE_OK &&
           curl->easy_setopt(handle, CURLOPT_XFERINFODATA, fetch) == CURLE_OK;
}

/* Section 3.3: nothing but 200 is an answer; section 3.2: of type text/plain. */
static bool check_answer(const struct curl *curl, CURL *handle, struct failure *why)
{
    const char *type = NULL;
    struct str name, rest;
    long status = 0;

    if (curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status != 200)
        return failure_set(why, FAILURE_PROTOCOL, 0, "the answer is HTTP %ld", status);
    if (curl->easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
        type = NULL;
    (void) str_cut(str_from_c(type), ';', &name, &rest);
    if (!str_equal_nocase(str_trim(name), STR("text/plain")))
        return failure_set(why, FAILURE_PROTOCOL, 0, "the answer is not text/plain");
    return true;
}

static bool perform(const struct curl *curl, CURL *handle, struct fetch *fetch)
{
    char reason[CURL_ERROR_SIZE] = "";
    CURLcode code;

    (void) curl->easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
    code = curl->easy_perform(handle);
    if (fetch->text.is_overflowed || code == CURLE_FILESIZE_EXCEEDED)
        return failure_set(&fetch->why, FAILURE_PROTOCOL, 0, "it is larger than %d bytes", STS_TEXT_MAXIMUM);
    if (code != CURLE_OK)
        return failure_set(&fetch->why, FAILURE_RETRY, 0, "%s", reason[0] != '\0' ? reason : curl->easy_strerror(code));
    return check_answer(curl, handle, &fetch->why);
}

static void run_fetch(void *context)
{
    struct fetch *fetch = context;
    const struct curl *curl = &fetch->fetcher->curl;
    struct curl_slist *place = NULL;
    CURL *handle = NULL;

    if (atomic_load(&fetch->fetcher->is_stopping)) {
        (void) failure_set(&fetch->why, FAILURE_STOPPED, 0, "the process ends");
        return;
    }
    place = curl->slist_append(NULL, fetch->place);
    handle = curl->easy_init();
    if (place != NULL && handle != NULL && set_limits(curl, handle, fetch) && set_proof(curl, handle, fetch) &&
        set_work(curl, handle, fetch, place))
        fetch->is_good = perform(curl, handle, fetch);
    else
        (void) failure_set(&fetch->why, FAILURE_RETRY, 0, "libcurl cannot be used");
    if (handle != NULL)
        curl->easy_cleanup(handle);
    curl->slist_free_all(place);
}

/* ---- on the loop ---- */

static void free_fetch(void *context)
{
    struct fetch *fetch = context;

    strbuf_done(&fetch->url);
    strbuf_done(&fetch->text);
    memory_free(fetch);
}

bool sts_fetcher_create(struct loop *loop, struct str authorities_pem, struct duration timeout,
                        struct sts_fetcher **fetcher_out, struct failure *why)
{
    struct sts_fetcher *fetcher = memory_alloc(sizeof *fetcher);

    if (!load_curl(&fetcher->curl, why)) {
        memory_free(fetcher);
        return false;
    }
    strbuf_init(&fetcher->authorities, STRBUF_UNLIMITED);
    strbuf_append(&fetcher->authorities, authorities_pem);
    fetcher->timeout = timeout;
    fetcher->offload = offload_create(loop, "MTA-STS policy", FETCHES_MAXIMUM);
    if (!str_to_uint64(str_from_c(environment_get("MERPATI_MTA_STS_PORT")), &fetcher->port))
        fetcher->port = PORT_HTTPS;
    *fetcher_out = fetcher;
    return true;
}

void sts_fetcher_stop(struct sts_fetcher *fetcher)
{
    if (fetcher != NULL)
        atomic_store(&fetcher->is_stopping, true);
}

void sts_fetcher_destroy(struct sts_fetcher **pointer)
{
    struct sts_fetcher *fetcher = *pointer;

    if (fetcher == NULL)
        return;
    *pointer = NULL;
    offload_destroy(&fetcher->offload);
    if (fetcher->given_up > 0)
        return;
    strbuf_done(&fetcher->authorities);
    memory_free(fetcher);
}

static void write_place(struct fetch *fetch, const char *host, const struct ip_address *addresses, size_t count)
{
    char text[IP_ADDRESS_TEXT_MAX];
    size_t len;

    snprintf(fetch->place, sizeof fetch->place, "%s:%llu:", host, (unsigned long long) fetch->fetcher->port);
    for (size_t i = 0; i < count && i < ADDRESSES_MAXIMUM; i++) {
        bool is_ipv6 = addresses[i].family == IP_V6;

        len = strlen(fetch->place);
        snprintf(fetch->place + len, sizeof fetch->place - len, "%s%s%s%s", i > 0 ? "," : "", is_ipv6 ? "[" : "",
                 ip_address_format(&addresses[i], text), is_ipv6 ? "]" : "");
    }
}

bool sts_fetch(struct sts_fetcher *fetcher, struct str domain, const struct ip_address *addresses, size_t count,
               struct arena *arena, struct str *text_out, struct failure *why)
{
    /* Waiting for a turn, then for the answer. */
    struct duration patience = { fetcher->timeout.us * 2 + seconds(1).us };
    struct str host = arena_printf(arena, "mta-sts.%.*s", STR_ARG(domain));
    struct fetch *fetch = memory_alloc(sizeof *fetch);
    bool is_good;

    fetch->fetcher = fetcher;
    strbuf_init(&fetch->url, STRBUF_UNLIMITED);
    strbuf_init(&fetch->text, STS_TEXT_MAXIMUM);
    strbuf_printf(&fetch->url, "https://%.*s:%llu/.well-known/mta-sts.txt", STR_ARG(host),
                  (unsigned long long) fetcher->port);
    write_place(fetch, host.data, addresses, count);
    if (!offload_run(fetcher->offload, run_fetch, fetch, free_fetch, patience, why)) {
        fetcher->given_up++;
        /* libcurl keeps its own time: what did not end in ours had no turn, and says nothing of the domain. */
        why->kind = FAILURE_STOPPED;
        return false;
    }
    is_good = fetch->is_good;
    if (is_good)
        *text_out = arena_str(arena, strbuf_str(&fetch->text));
    else
        *why = fetch->why;
    free_fetch(fetch);
    return is_good;
}
