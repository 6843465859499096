/* SPDX-License-Identifier: Apache-2.0 */
#include "config/computed.h"

#include "base/strbuf.h"
#include "config/own_addresses.h"

#include <stdio.h>
#include <unistd.h>

static struct str config_directory(const struct main_cf *cf, struct arena *arena)
{
    (void) arena;
    return main_cf_directory(cf);
}

static struct str process_id(const struct main_cf *cf, struct arena *arena)
{
    (void) cf;
    return arena_printf(arena, "%ld", (long) getpid());
}

/* What main.cf says, or the host's name made complete with mydomain. */
static struct str myhostname(const struct main_cf *cf, struct arena *arena)
{
    char name[256];
    struct str domain = STR("localdomain");
    struct failure ignored;

    if (gethostname(name, sizeof name - 1) != 0)
        name[0] = '\0';
    name[sizeof name - 1] = '\0';
    if (str_contains_char(str_from_c(name), '.'))
        return arena_str(arena, str_from_c(name));
    if (main_cf_find(cf, STR("mydomain")) != NULL)
        (void) !main_cf_value(cf, STR("mydomain"), arena, &domain, &ignored);
    return arena_printf(arena, "%s.%.*s", name[0] == '\0' ? "localhost" : name, STR_ARG(domain));
}

static struct str mydomain(const struct main_cf *cf, struct arena *arena)
{
    struct str name = STR_EMPTY;
    struct str host;
    struct str domain;
    struct failure ignored;

    (void) !main_cf_value(cf, STR("myhostname"), arena, &name, &ignored);
    return str_cut(name, '.', &host, &domain) && domain.len > 0 ? domain : STR("localdomain");
}

static unsigned class_bits(const struct ip_address *address, unsigned otherwise)
{
    if (address->family != IP_V4)
        return otherwise;
    if (address->bytes[0] < 128)
        return 8;
    if (address->bytes[0] < 192)
        return 16;
    return address->bytes[0] < 224 ? 24 : 4;
}

static void clear_host_bits(struct ip_address *address, unsigned bits)
{
    size_t i;

    for (i = 0; i < ip_address_size(address); i++) {
        unsigned left = bits > i * 8 ? bits - (unsigned) i * 8 : 0;

        if (left < 8)
            address->bytes[i] = (uint8_t) (address->bytes[i] & (0xff00u >> left));
    }
    address->scope = 0;
}

static void append_network(struct strbuf *out, const struct own_address *own, struct str style)
{
    unsigned bits = own->address.family == IP_V4 ? 32 : 128;
    struct ip_address network = own->address;
    char text[IP_ADDRESS_TEXT_MAX];
    char word[IP_ADDRESS_TEXT_MAX + 8];

    if (str_equal_nocase(style, STR("subnet")))
        bits = own->prefix_bits;
    else if (str_equal_nocase(style, STR("class")))
        bits = class_bits(&own->address, own->prefix_bits);
    clear_host_bits(&network, bits);
    snprintf(word, sizeof word, network.family == IP_V4 ? "%s/%u" : "[%s]/%u", ip_address_format(&network, text), bits);
    if (str_find(strbuf_str(out), str_from_c(word)) == STR_NOT_FOUND)
        strbuf_printf(out, "%s%s", out->len > 0 ? " " : "", word);
}

/* A host whose interfaces cannot be listed trusts nobody. */
static struct str mynetworks(const struct main_cf *cf, struct arena *arena)
{
    struct own_address_list own;
    struct str style;
    struct str networks;
    struct failure ignored;
    struct strbuf out;
    enum ip_family family;
    size_t i;

    if (!main_cf_value(cf, STR("mynetworks_style"), arena, &style, &ignored) ||
        !own_addresses(cf, arena, &own, &ignored))
        return STR_EMPTY;
    strbuf_init(&out, STRBUF_UNLIMITED);
    for (family = IP_V4; family <= IP_V6; family = (enum ip_family)(family + 2))
        for (i = 0; i < own.count; i++)
            if (own.items[i].address.family == family)
                append_network(&out, &own.items[i], style);
    networks = arena_str(arena, strbuf_str(&out));
    strbuf_done(&out);
    return networks;
}

static const struct computed {
    const char *name;
    struct str (*compute)(const struct main_cf *cf, struct arena *arena);
} computed[] = {
    { "config_directory", config_directory },
    { "process_id", process_id },
    { "myhostname", myhostname },
    { "mydomain", mydomain },
    { "mynetworks", mynetworks },
};

static const struct computed *find(struct str name)
{
    size_t i;

    for (i = 0; i < ARRAY_COUNT(computed); i++)
        if (str_equal(name, str_from_c(computed[i].name)))
            return &computed[i];
    return NULL;
}

bool computed_is(struct str name)
{
    return find(name) != NULL;
}

struct str computed_default(const struct main_cf *cf, struct str name, struct arena *arena)
{
    const struct computed *row = find(name);

    return row != NULL ? row->compute(cf, arena) : STR_EMPTY;
}

bool computed_is_read_only(struct str name)
{
    return str_equal(name, STR("process_id")) || str_equal(name, STR("process_name")) ||
           str_equal(name, STR("service_name"));
}
