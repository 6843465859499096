/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_LDAP_DEADLINE_H
#define DRIVERS_LDAP_DEADLINE_H

#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * ldap_deadline - the time that all there is to hear from a server may take, whatever the library does meanwhile.
 *
 * libldap's own limits are for parts: it waits without end for the rest of a message, and asks without a pause for that
 * of a TLS handshake. So below TLS there is a layer that waits for each byte until the time is over, when the
 * connection is as good as lost. It is that of all connections of a handle, also to servers that referrals name.
 */
struct ldap_deadline {
    struct ldap_conncb callbacks;
    int64_t end_ms;
};

/* Before anything connects; deadline must live as long as the handle. */
bool ldap_deadline_watch(struct ldap_deadline *deadline, LDAP *ldap);
/* From now. */
void ldap_deadline_set(struct ldap_deadline *deadline, int seconds);
bool ldap_deadline_is_over(const struct ldap_deadline *deadline);

#endif
