/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_CHECK_H
#define POSTCONF_CHECK_H

#include "postconf/parameters.h"

/*
 * check - what "merpati check" tells of main.cf: parameters set that this version does not act on, and values that a
 * program would refuse. Warnings go to the log; false if a program could not start so.
 */
MUST_USE bool check_parameters(struct main_cf *cf, const struct parameters *parameters, const struct services *services,
                               struct arena *arena);

#endif
