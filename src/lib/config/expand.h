/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * expand - replaces the $ forms of a text: $name, ${name}, $(name), $$, ${name?text}, ${name:text},
 * ${name?{text}:{text}} and ${{a} == {b} ? {text} : {text}} with == != < <= >= > and their forms for
 * compatibility levels (<=level ...).
 *
 * What a name stands for comes from the caller. A value found may be expanded in turn; the depth is bounded,
 * so a value that refers to itself is an error and not an endless walk.
 */
struct expand_source {
    /* The value of a name as written; false if there is none, which gives the empty text. */
    bool (*lookup)(void *context, struct str name, struct str *value_out);
    void *context;
    /* Values may hold $ forms themselves. */
    bool is_recursive;
    /* A name without a value is a failure that begins with "undefined", but where its absence is asked for (?, :). */
    bool must_be_known;
    /* A sum of all text this long is refused, as a value that doubles itself again and again would be. */
    size_t maximum;
};

/* Appends to out. FAILURE_CONFIGURATION says what is wrong in the text. */
MUST_USE bool expand_text(const struct expand_source *source, struct str text, struct strbuf *out, struct failure *why);

#endif
