/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/sysexits_text.h"

#include <sysexits.h>

static const struct sysexits_meaning meanings[] = {
    { EX_USAGE, { 5, 3, 0 }, "command line usage error" },
    { EX_DATAERR, { 5, 6, 0 }, "data format error" },
    { EX_NOINPUT, { 5, 3, 0 }, "cannot open input" },
    { EX_NOUSER, { 5, 1, 1 }, "user unknown" },
    { EX_NOHOST, { 5, 1, 2 }, "host name unknown" },
    { EX_UNAVAILABLE, { 5, 3, 0 }, "service unavailable" },
    { EX_SOFTWARE, { 5, 3, 0 }, "internal software error" },
    { EX_OSERR, { 4, 3, 0 }, "system resource problem" },
    { EX_OSFILE, { 5, 3, 0 }, "critical OS file missing" },
    { EX_CANTCREAT, { 5, 2, 0 }, "can't create user output file" },
    { EX_IOERR, { 5, 3, 0 }, "input/output error" },
    { EX_TEMPFAIL, { 4, 3, 0 }, "temporary failure" },
    { EX_PROTOCOL, { 5, 5, 0 }, "remote error in protocol" },
    { EX_NOPERM, { 5, 7, 0 }, "permission denied" },
    { EX_CONFIG, { 5, 3, 5 }, "local configuration error" },
};

const struct sysexits_meaning *sysexits_find(int status)
{
    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++) {
        if (meanings[i].status == status)
            return &meanings[i];
    }
    return NULL;
}
