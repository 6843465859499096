/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_SECCOMP_FILTER_H
#define OS_SECCOMP_FILTER_H

#include "base/failure.h"

/*
 * seccomp - the allow-lists of system calls, by the name of a profile.
 *
 *   network   reads, writes, Unix and Internet sockets; opens files that its jail has; starts nothing
 *   queue     files and Unix sockets; no Internet socket can be made; starts nothing
 *   lookup    as network, for services that read tables outside a jail
 *   mailbox   as lookup, and acts as users of this host
 *
 * A refused call returns EPERM and is logged by the kernel (SECCOMP_RET_LOG companion); with the
 * variable MERPATI_SECCOMP=kill it kills the process instead, which the tests use. Needs
 * privilege_forbid_new first. Where the kernel has no seccomp, the filter is not there and true is returned
 * with *is_active_out false.
 */
MUST_USE bool seccomp_enter(const char *profile, bool *is_active_out, struct failure *why);

#endif
