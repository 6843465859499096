/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_INSTANCE_LOCK_H
#define MASTER_INSTANCE_LOCK_H

#include "base/failure.h"
#include "base/str.h"

/*
 * instance_lock - one queue has one master, and so has one data_directory. The locks belong to open files,
 * so they end with the process however it ends; pid/master.pid names it for people and for commands.
 */
struct instance_lock {
    int queue_fd;
    int data_fd;
};

/* The working directory is queue_directory. FAILURE_RETRY: another master has it. */
MUST_USE bool instance_lock_acquire(struct instance_lock *lock, struct str data_directory, struct failure *why);
void instance_lock_release(struct instance_lock *lock);

#endif
