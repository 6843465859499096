/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_REFERENCE_H
#define POSTCONF_REFERENCE_H

#include <stdio.h>

/*
 * reference - every row of every settings table, a line each, fields separated by tabs: owner, name, type, default,
 * bounds, sentence. The reference pages are made from it (scripts/generate).
 */
void reference_print(FILE *out);

#endif
