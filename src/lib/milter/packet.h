/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H

#include "base/failure.h"
#include "milter/milter.h"

/*
 * packet - the bytes of the milter protocol, as libmilter's mfdef.h has them: a length of four bytes (big end first), a
 * letter, data. Pure: no I/O. What a milter says is judged here, by lengths first.
 */
enum {
    MILTER_LENGTH_BYTES = 4,
    MILTER_CHUNK_MAXIMUM = 65535,                /* of the body, in one packet */
    MILTER_PACKET_MAXIMUM = 1024 * 1024 + 65536, /* the longest that a milter may send */
};

/* What the server says. */
enum milter_command {
    MILTER_COMMAND_ABORT = 'A',
    MILTER_COMMAND_BODY = 'B',
    MILTER_COMMAND_CONNECT = 'C',
    MILTER_COMMAND_MACROS = 'D',
    MILTER_COMMAND_END_OF_BODY = 'E',
    MILTER_COMMAND_HELO = 'H',
    MILTER_COMMAND_HEADER = 'L',
    MILTER_COMMAND_MAIL = 'M',
    MILTER_COMMAND_END_OF_HEADERS = 'N',
    MILTER_COMMAND_NEGOTIATE = 'O',
    MILTER_COMMAND_QUIT = 'Q',
    MILTER_COMMAND_RCPT = 'R',
    MILTER_COMMAND_DATA = 'T',
    MILTER_COMMAND_UNKNOWN = 'U',
};

/* What a milter says. */
enum milter_response {
    MILTER_RESPONSE_ADD_RECIPIENT = '+',
    MILTER_RESPONSE_DELETE_RECIPIENT = '-',
    MILTER_RESPONSE_ADD_RECIPIENT_WITH = '2',
    MILTER_RESPONSE_SHUTDOWN = '4',
    MILTER_RESPONSE_ACCEPT = 'a',
    MILTER_RESPONSE_REPLACE_BODY = 'b',
    MILTER_RESPONSE_CONTINUE = 'c',
    MILTER_RESPONSE_DISCARD = 'd',
    MILTER_RESPONSE_CHANGE_SENDER = 'e',
    MILTER_RESPONSE_CONNECTION_FAILURE = 'f',
    MILTER_RESPONSE_ADD_HEADER = 'h',
    MILTER_RESPONSE_INSERT_HEADER = 'i',
    MILTER_RESPONSE_SYMBOLS = 'l',
    MILTER_RESPONSE_CHANGE_HEADER = 'm',
    MILTER_RESPONSE_PROGRESS = 'p',
    MILTER_RESPONSE_QUARANTINE = 'q',
    MILTER_RESPONSE_REJECT = 'r',
    MILTER_RESPONSE_SKIP = 's',
    MILTER_RESPONSE_TEMPFAIL = 't',
    MILTER_RESPONSE_REPLY = 'y',
};

/*
 * All that may be changed (SMFIF_), which is what we offer. Milters that are not made with libmilter ask for things
 * that they did not say they would: like Postfix we do not mind.
 */
enum { MILTER_RIGHTS = (1 << 9) - 1 };

/* What is not said, and what is not answered (SMFIP_). */
enum milter_step {
    MILTER_STEP_NO_CONNECT = 1 << 0,
    MILTER_STEP_NO_HELO = 1 << 1,
    MILTER_STEP_NO_MAIL = 1 << 2,
    MILTER_STEP_NO_RCPT = 1 << 3,
    MILTER_STEP_NO_BODY = 1 << 4,
    MILTER_STEP_NO_HEADERS = 1 << 5,
    MILTER_STEP_NO_END_OF_HEADERS = 1 << 6,
    MILTER_STEP_NO_REPLY_HEADER = 1 << 7,
    MILTER_STEP_NO_UNKNOWN = 1 << 8,
    MILTER_STEP_NO_DATA = 1 << 9,
    MILTER_STEP_SKIP = 1 << 10,
    MILTER_STEP_REJECTED_RCPT = 1 << 11,
    MILTER_STEP_NO_REPLY_CONNECT = 1 << 12,
    MILTER_STEP_NO_REPLY_HELO = 1 << 13,
    MILTER_STEP_NO_REPLY_MAIL = 1 << 14,
    MILTER_STEP_NO_REPLY_RCPT = 1 << 15,
    MILTER_STEP_NO_REPLY_DATA = 1 << 16,
    MILTER_STEP_NO_REPLY_UNKNOWN = 1 << 17,
    MILTER_STEP_NO_REPLY_END_OF_HEADERS = 1 << 18,
    MILTER_STEP_NO_REPLY_BODY = 1 << 19,
    MILTER_STEP_LEADING_SPACE = 1 << 20,
};

/* "SMFIC_MAIL", "SMFIR_REJECT": as logs call them. "(unknown filter reply)" for what is none. */
const char *milter_command_name(char letter);
const char *milter_response_name(char letter);

/* ---- what is said ---- */

/* Begins a packet behind what out holds; returns where, for milter_packet_end. */
size_t milter_packet_begin(struct strbuf *out, char letter);
/* A text with its NUL; what stands behind a NUL in it is not sent. */
void milter_packet_text(struct strbuf *out, struct str text);
void milter_packet_number(struct strbuf *out, uint32_t number);
void milter_packet_end(struct strbuf *out, size_t begin);

/* The steps that a version knows. */
uint32_t milter_steps_of(unsigned version, bool has_no_header_reply);

/* ---- what is heard ---- */

/* How long the packet is by its first four bytes: from 1 to MILTER_PACKET_MAXIMUM. */
MUST_USE bool milter_packet_length(const char bytes[MILTER_LENGTH_BYTES], uint32_t *length_out, struct failure *why);

struct milter_agreement {
    unsigned version;
    uint32_t rights; /* of MILTER_RIGHTS */
    uint32_t steps;  /* enum milter_step */
    struct str macros[MILTER_STAGE_COUNT];
    bool has_macros[MILTER_STAGE_COUNT]; /* the milter says which ones it wants */
};

/* The answer to an offer of this version and these steps. Texts in arena. */
MUST_USE bool milter_agreement_parse(struct str data, unsigned version, uint32_t steps, struct arena *arena,
                                     struct milter_agreement *agreement_out, struct failure *why);

/* Whether this letter asks for a change at the end of a message. */
bool milter_is_change(char letter);
/*
 * Data of such a packet; views of it. Texts of headers have LF between lines, and values what follows the colon. A
 * body's bytes are as they came.
 */
MUST_USE bool milter_change_parse(char letter, struct str data, const struct milter_agreement *agreement,
                                  struct arena *arena, struct milter_change *change_out, struct failure *why);

/*
 * "550-5.7.1 one\r\n550 5.7.1 two" as a verdict has it. False: it is no 4xx or 5xx with text; or its enhanced code is
 * of another class.
 */
MUST_USE bool milter_reply_parse(struct str data, struct arena *arena, struct str *reply_out);

#endif
