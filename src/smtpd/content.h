/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_CONTENT_H
#define SMTPD_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

struct session;

/*
 * content - a message's bytes on their way from the client to cleanup: lines are told by LF, leave with LF alone, and
 * a line that ends without CR is judged by smtpd_forbid_bare_newline.
 *
 * Only CR LF . CR LF ends DATA (unless the administrator chose otherwise): a dot between other line ends is how one
 * message is smuggled behind another, so such a line is no end, and is dropped.
 */

/* Reads to the final dot, which is taken too. False when the stream failed; the session has ended then. */
bool content_read_data(struct session *session);

/* Reads a chunk of BDAT; is_last completes a last line without end. */
bool content_read_chunk(struct session *session, uint64_t bytes, bool is_last);
/* Reads a chunk that was refused. */
bool content_skip_chunk(struct session *session, uint64_t bytes);

#endif
