/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_NOTIFY_H
#define OS_NOTIFY_H

/* notify - tells the service manager how far we are. Without one (NOTIFY_SOCKET is unset) nothing happens. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
