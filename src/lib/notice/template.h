/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTICE_TEMPLATE_H
#define NOTICE_TEMPLATE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"

/*
 * template - what a notification says before it names the recipients: header and text of the four kinds, built in or
 * from bounce_template_file, in the format of Postfix's bounce(5).
 *
 * A template that breaks the rules is left out with a warning and the built-in one stays; only a file that cannot be
 * read as templates at all is a failure. The text is expanded apart from that, for it may be previewed.
 */
struct main_cf;

enum template_class {
    TEMPLATE_FAILURE,
    TEMPLATE_DELAY,
    TEMPLATE_SUCCESS,
    TEMPLATE_VERIFY,
    TEMPLATE_CLASSES, /* how many */
};

struct notice_template {
    struct str charset;
    struct str from;
    struct str subject;
    struct str postmaster_subject; /* empty: this kind has none */
    struct str text;               /* whole lines */
};

struct template_set {
    struct str file; /* for messages */
    struct notice_template items[TEMPLATE_CLASSES];
};

/* "failure", "delay", "success", "verify". */
const char *template_class_name(enum template_class class);

void template_set_init(struct template_set *set);
/* The built-in From of all of them, "address (name)" or, as it is from the start, "name <address>". */
void template_set_use_from(struct template_set *set, bool is_obsolete);
/* What the file has instead. Strings live in arena; warnings are whole lines for the log. set is whole either way. */
MUST_USE bool template_set_load(struct template_set *set, const char *path, struct arena *arena,
                                struct strlist *warnings, struct failure *why);
/* The same from memory. bytes must outlive the set. */
MUST_USE bool template_set_parse(struct template_set *set, struct str bytes, struct str file, struct arena *arena,
                                 struct strlist *warnings, struct failure *why);

/*
 * The text with each $name replaced; an unknown name is a failure. $delay_warning_time_UNIT and
 * $maximal_queue_lifetime_UNIT are numbers of that unit; with smtputf8_enable, $myhostname and $mydomain are in UTF-8.
 */
MUST_USE bool template_set_expand(const struct template_set *set, enum template_class class, const struct main_cf *cf,
                                  struct arena *arena, struct str *text_out, struct strlist *warnings,
                                  struct failure *why);

/* All four as a template file, and their expanded texts, as postconf -t and -b show them. */
void template_set_print(const struct template_set *set, struct strbuf *out);
MUST_USE bool template_set_print_expanded(const struct template_set *set, const struct main_cf *cf, struct arena *arena,
                                          struct strbuf *out, struct strlist *warnings, struct failure *why);

#endif
