/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_HEADER_SPLITTER_H
#define MAIL_HEADER_SPLITTER_H

#include "base/strbuf.h"

/*
 * header_splitter - cuts a message that arrives in pieces into header fields and body.
 *
 * A field is handed out whole, with its continuation lines, without the last LF; what is beyond the field limit is
 * dropped (header_size_limit). The header ends at an empty line or at a line that is no header: that line then belongs
 * to the body. Memory is two fields at most, however long a line is.
 */
enum header_splitter_event {
    SPLITTER_MORE, /* nothing left to say before more input */
    SPLITTER_FIELD,
    SPLITTER_HEADER_END, /* once; text is what is due before the body: an empty line, or nothing where no body can
                            follow */
    SPLITTER_BODY,       /* bytes of the body, any cut */
};

struct header_splitter {
    struct strbuf field;
    struct strbuf line;
    bool has_field;     /* field is whole or may go on, and was not given yet */
    bool is_field_full; /* its further lines are dropped */
    bool has_line;      /* line is gathered and not used yet */
    bool has_newline;
    bool is_in_body;
};

void header_splitter_init(struct header_splitter *splitter, size_t field_limit);
void header_splitter_done(struct header_splitter *splitter);

/*
 * Takes from *input what it needs and says what was found; text is valid until the next call. Call it until it says
 * MORE. is_last: no more input will come; then a field without end and the end of the header are given too.
 */
enum header_splitter_event header_splitter_next(struct header_splitter *splitter, struct str *input, bool is_last,
                                                struct str *text_out);

#endif
