/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_ENCRYPTION_H
#define SMTP_ENCRYPTION_H

#include "smtp/encryption_policy.h"

struct daemon;
struct session_purpose;
struct smtp;
struct smtp_session;
struct target;
struct trouble;

/*
 * encryption - TLS with servers: STARTTLS (RFC 3207) or from the first byte, and what it must be like with each of
 * them.
 *
 * Nothing is said to a server below its level: what is required and is not to be had makes the server one that cannot
 * be used, and the mail waits. At the level may a server with which a handshake has failed is used without TLS for a
 * message that has waited since then.
 */
struct encryption;

/* Before the jail: level, policies, certificates. False: the configuration is wrong. *out NULL: no TLS with anybody. */
MUST_USE bool encryption_open(const struct smtp *smtp, struct daemon *daemon, struct encryption **out,
                              struct failure *why);
/* NULL is fine. */
void encryption_close(struct encryption *encryption);

/* What is demanded of the target. False: the policy cannot be told now. Logs that. encryption NULL: nothing is. */
MUST_USE bool encryption_find(struct encryption *encryption, const struct session_purpose *purpose,
                              const struct target *target, struct arena *arena, struct encryption_policy *policy_out,
                              struct trouble *trouble_out);

/* With smtp_tls_wrappermode: the handshake before the greeting. */
MUST_USE bool encryption_wrap(struct encryption *encryption, struct smtp_session *session,
                              const struct encryption_policy *policy, struct arena *arena, struct trouble *trouble_out);
/*
 * After EHLO: what the policy demands. *has_begun_out: the session is encrypted from now on, and the server knows
 * nothing of us (EHLO again).
 */
MUST_USE bool encryption_start(struct encryption *encryption, struct smtp_session *session,
                               const struct encryption_policy *policy, struct arena *arena, bool *has_begun_out,
                               struct trouble *trouble_out);

/* A session that was kept is used for another message: told, if it is encrypted. encryption NULL: nothing is. */
void encryption_note_reuse(const struct encryption *encryption, const struct smtp_session *session);

#endif
