/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_TEMPLATES_H
#define BOUNCE_TEMPLATES_H

#include "base/strlist.h"
#include "notice/template.h"

struct daemon;

/*
 * templates - the templates as this process uses them: read once, before the jail, texts expanded. What cannot be used
 * is told in the log, and the built-in template does its work: a mistake in a text keeps no sender from hearing. What
 * is odd in a text is told when the text is used.
 */
struct templates {
    struct template_set set;
    struct strlist oddities[TEMPLATE_CLASSES];
};

const struct templates *templates_open(struct daemon *daemon);
void templates_tell_oddities(const struct templates *templates, enum template_class class);

#endif
