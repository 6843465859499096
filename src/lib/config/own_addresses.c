/* SPDX-License-Identifier: Apache-2.0 */
#include "config/own_addresses.h"

#include "config/main_cf.h"
#include "os/interface.h"

#include <netdb.h>
#include <netinet/in.h>

enum { ADDRESSES_MAXIMUM = 1000 };

struct collection {
    struct arena *arena;
    struct own_address *items;
    size_t count;
    struct inet_protocols protocols;
    struct interface_list interfaces;
};

bool inet_protocols_parse(struct str text, struct inet_protocols *protocols_out, struct failure *why)
{
    struct inet_protocols protocols = { 0 };
    struct str rest = text;
    struct str word;

    while (str_next_word(&rest, ", \t\r\n", &word)) {
        if (str_equal_nocase(word, STR("all"))) {
            protocols.has_ipv4 = true;
            protocols.has_ipv6 = true;
        } else if (str_equal_nocase(word, STR("ipv4"))) {
            protocols.has_ipv4 = true;
        } else if (str_equal_nocase(word, STR("ipv6"))) {
            protocols.has_ipv6 = true;
        } else {
            return failure_set(why, FAILURE_CONFIGURATION, 0,
                               "inet_protocols: \"%.*s\" is no protocol: write all, ipv4, ipv6 or ipv4, ipv6",
                               STR_ARG(word));
        }
    }
    if (!protocols.has_ipv4 && !protocols.has_ipv6)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "inet_protocols is empty: write all, ipv4 or ipv6");
    *protocols_out = protocols;
    return true;
}

bool own_address_list_has(const struct own_address_list *list, const struct ip_address *address)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        if (ip_address_equal(&list->items[i].address, address))
            return true;
    return false;
}

static bool is_wanted(const struct collection *collection, const struct ip_address *address)
{
    return address->family == IP_V4 ? collection->protocols.has_ipv4 : collection->protocols.has_ipv6;
}

static void add(struct collection *collection, const struct own_address *item)
{
    struct own_address_list list = { collection->items, collection->count };

    if (collection->count < ADDRESSES_MAXIMUM && is_wanted(collection, &item->address) &&
        !own_address_list_has(&list, &item->address))
        collection->items[collection->count++] = *item;
}

static bool from_interface(const struct interface_address *interface, struct own_address *item_out)
{
    uint16_t port;

    item_out->prefix_bits = interface->prefix_bits;
    item_out->is_loopback = interface->is_loopback;
    return ip_address_from_sockaddr((const struct sockaddr *) &interface->address, &item_out->address, &port);
}

static void add_interfaces(struct collection *collection, bool only_loopback)
{
    size_t i;

    for (i = 0; i < collection->interfaces.count; i++) {
        struct own_address item;

        if (from_interface(&collection->interfaces.items[i], &item) && (item.is_loopback || !only_loopback))
            add(collection, &item);
    }
}

/* With the network of the interface that has the address, if one has. */
static void add_address(struct collection *collection, const struct ip_address *address)
{
    struct own_address item = { .address = *address, .prefix_bits = address->family == IP_V4 ? 32 : 128 };
    size_t i;

    for (i = 0; i < collection->interfaces.count; i++) {
        struct own_address other;

        if (from_interface(&collection->interfaces.items[i], &other) && ip_address_equal(&other.address, address)) {
            item = other;
            break;
        }
    }
    add(collection, &item);
}

static bool add_name(struct collection *collection, struct str name, struct failure *why)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    struct addrinfo *each;
    int error = getaddrinfo(arena_c(collection->arena, name), NULL, &hints, &found);

    if (error != 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "host name \"%.*s\" has no address: %s", STR_ARG(name),
                           gai_strerror(error));
    for (each = found; each != NULL; each = each->ai_next) {
        struct ip_address address;

        if (ip_address_from_sockaddr(each->ai_addr, &address, NULL))
            add_address(collection, &address);
    }
    freeaddrinfo(found);
    return true;
}

static struct str without_brackets(struct str word)
{
    if (word.len > 2 && word.data[0] == '[' && word.data[word.len - 1] == ']')
        return str_part(word, 1, word.len - 2);
    return word;
}

static bool add_word(struct collection *collection, struct str word, struct failure *why)
{
    struct ip_address address;

    if (str_equal_nocase(word, STR("all")))
        add_interfaces(collection, false);
    else if (str_equal_nocase(word, STR("loopback-only")))
        add_interfaces(collection, true);
    else if (ip_address_parse(without_brackets(word), &address))
        add_address(collection, &address);
    else
        return add_name(collection, word, why);
    return true;
}

bool own_addresses_of(struct str text, struct inet_protocols protocols, struct arena *arena,
                      struct own_address_list *list_out, struct failure *why)
{
    struct collection collection = { .arena = arena, .protocols = protocols };
    struct str rest = text;
    struct str word;

    if (!interface_list(arena, &collection.interfaces, why))
        return false;
    collection.items = arena_new_array(arena, ADDRESSES_MAXIMUM, struct own_address);
    while (str_next_word(&rest, ", \t\r\n", &word))
        if (!add_word(&collection, word, why))
            return false;
    *list_out = (struct own_address_list){ collection.items, collection.count };
    return true;
}

static bool addresses_of_parameter(const struct main_cf *cf, struct str name, struct arena *arena,
                                   struct own_address_list *list_out, struct failure *why)
{
    struct inet_protocols protocols;
    struct str text;

    if (!main_cf_value(cf, STR("inet_protocols"), arena, &text, why) || !inet_protocols_parse(text, &protocols, why) ||
        !main_cf_value(cf, name, arena, &text, why))
        return false;
    if (own_addresses_of(text, protocols, arena, list_out, why))
        return true;
    return failure_prefix(why, "parameter %.*s", STR_ARG(name));
}

bool own_addresses(const struct main_cf *cf, struct arena *arena, struct own_address_list *list_out,
                   struct failure *why)
{
    return addresses_of_parameter(cf, STR("inet_interfaces"), arena, list_out, why);
}

bool own_proxy_addresses(const struct main_cf *cf, struct arena *arena, struct own_address_list *list_out,
                         struct failure *why)
{
    return addresses_of_parameter(cf, STR("proxy_interfaces"), arena, list_out, why);
}
