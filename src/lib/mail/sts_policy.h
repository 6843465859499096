/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_STS_POLICY_H
#define MAIL_STS_POLICY_H

#include "base/failure.h"
#include "base/strlist.h"
#include "base/time.h"

/*
 * sts_policy - what a domain says of its mail servers by MTA-STS (RFC 8461): the TXT record that names a policy, and
 * the policy, which came by HTTPS. Pure; any bytes are fine.
 *
 * Fields that nobody knows are overlooked, as the RFC has it. A policy that lacks something, or of which a field that
 * counts cannot be read, is none at all.
 */
enum {
    STS_ID_MAXIMUM = 32,
    STS_TEXT_MAXIMUM = 64 * 1024, /* section 3.3 lets a sender have a limit */
    STS_PATTERNS_MAXIMUM = 1000,
};

enum sts_mode {
    STS_NONE,
    STS_TESTING, /* what is wrong is told, no more */
    STS_ENFORCE,
};

struct sts_policy {
    enum sts_mode mode;
    struct duration max_age;
    struct strlist patterns; /* "mx.example.com", "*.example.com", in lower case */
};

/* "none", "testing", "enforce" */
const char *sts_mode_name(enum sts_mode mode);

/* Section 3.1: one string of the TXT records at _mta-sts.DOMAIN. False: it is no record of MTA-STS (another may be). */
bool sts_record_is(struct str record);
/* The id of one that is. False: it cannot be read, and there is no policy. */
MUST_USE bool sts_record_parse(struct str record, struct str *id_out, struct failure *why);

/* Section 3.2. All that is in the policy is the arena's. */
MUST_USE bool sts_policy_parse(struct str text, struct arena *arena, struct sts_policy *policy_out,
                               struct failure *why);

/* Section 4.1: whether a host (without a final dot) is one of those; "*." stands for one label. */
bool sts_patterns_match(const struct strlist *patterns, struct str host);

#endif
