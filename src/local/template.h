/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_TEMPLATE_H
#define LOCAL_TEMPLATE_H

#include "base/arena.h"

/*
 * template - text with $name, ${name}, $(name), ${name?value}, ${name:value} and ${name?{value}:{value}} for what is
 * known of a recipient, as forward_path and luser_relay have.
 */
struct template_name {
    const char *name;
    struct str value; /* data NULL: not defined */
};

struct template_names {
    const struct template_name *items;
    size_t count;
};

enum template_result {
    TEMPLATE_OK,
    TEMPLATE_UNDEFINED, /* a name without value was used outside of ? and : */
    TEMPLATE_BAD,       /* a bracket does not close */
};

/* Bytes of values that are not in filter become '_'; an empty filter lets all pass. */
enum template_result template_expand(struct str text, const struct template_names *names, struct str filter,
                                     struct arena *arena, struct str *text_out);

/* A copy with each byte that is not in filter as '_'. */
struct str template_filter(struct arena *arena, struct str value, struct str filter);

#endif
