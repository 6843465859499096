/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_PARAMETERS_H
#define POSTCONF_PARAMETERS_H

#include "config/main_cf.h"
#include "postconf/services.h"

/*
 * parameters - which names there are: built in, made by a service of master.cf ("slow_time_limit"), or the
 * administrator's own; and what is set but used by nobody, or used and set by nobody.
 */
enum parameter_class {
    PARAMETER_BUILTIN = 1 << 0,
    PARAMETER_SERVICE = 1 << 1,
    PARAMETER_USER = 1 << 2,
    PARAMETER_ALL = PARAMETER_BUILTIN | PARAMETER_SERVICE | PARAMETER_USER,
};

struct parameter {
    struct str name;
    enum parameter_class kind;
};

struct parameters {
    struct parameter *items; /* sorted by name */
    size_t count;
    struct strlist warnings; /* "./main.cf: undefined parameter: x" */
    struct strlist unused;   /* "./main.cf: unused parameter: x=y" */
    struct strlist unused_in_services;
};

/* services may be NULL: master.cf was not read. Warnings name the files. Announces services' defaults to cf. */
struct parameters *parameters_collect(struct main_cf *cf, const struct services *services, struct arena *arena);
/* Whether its name ends as those of a transport's parameters do ("x_destination_concurrency_limit"), and of which. */
bool parameter_transport(struct str name, struct str *transport_out);
const struct parameter *parameters_find(const struct parameters *parameters, struct str name);

#endif
