/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_RECIPIENTS_H
#define CLEANUP_RECIPIENTS_H

#include "cleanup/message.h"

/*
 * recipients - envelope recipients, rewritten, mapped, expanded, each once.
 *
 * They are gathered into batches, so that many cost few questions to trivial-rewrite; flush before the content begins
 * and at the end.
 */
void recipients_add(struct message *message, const struct cleanup_recipient *recipient);
void recipients_flush(struct message *message);
/* What sendmail -t found in the header, then the blind copies that the configuration asks for. */
void recipients_add_extracted(struct message *message);
void recipients_add_bcc(struct message *message);
/* Copies that the client's tables ordered; then, if they ordered it, one address instead of all recipients. */
void recipients_redirect(struct message *message);

/* What milters want when all is complete: one more recipient, mapped as copies are; one that is there already is not
 * added; a redirected message stays one. notify: enum dsn_notify. */
void recipients_add_late(struct message *message, struct str address, struct str dsn_orcpt, unsigned notify);
/* All that came of the recipient that the client gave so. */
void recipients_delete(struct message *message, struct str original);
/* Those there were before; the array becomes the envelope's. */
void recipients_restore(struct message *message, struct envelope_recipient *recipients, size_t count);

#endif
