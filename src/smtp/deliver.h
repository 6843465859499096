/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_DELIVER_H
#define SMTP_DELIVER_H

/* deliver - one request: next hop after next hop, host after host, until every recipient has an outcome. */
struct delivery;
struct smtp;

void smtp_deliver(struct smtp *smtp, struct delivery *delivery);

#endif
