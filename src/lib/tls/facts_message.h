/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_FACTS_MESSAGE_H
#define TLS_FACTS_MESSAGE_H

#include "protocol/tlsproxy.h"
#include "tls/facts.h"

/* facts_message - what one process knows of an encrypted connection, told to another. */

/* Views of the facts. stream is -1. What is too long for a message is cut. */
void tls_facts_tell(const struct tls_facts *facts, struct tlsproxy_session *message_out);
/* Views of the message. */
void tls_facts_hear(const struct tlsproxy_session *message, struct tls_facts *facts_out);

#endif
