/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_TEMPLATES_H
#define BOUNCE_TEMPLATES_H

#include "notice/template.h"

struct daemon;

/*
 * templates - the templates as this process uses them: read once, before the jail, texts expanded. What cannot be used
 * is told in the log, and the built-in template does its work: a mistake in a text keeps no sender from hearing.
 */
const struct template_set *templates_open(struct daemon *daemon);

#endif
