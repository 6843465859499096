/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_MILTER_PRIVATE_H
#define MILTER_MILTER_PRIVATE_H

#include "base/strbuf.h"
#include "milter/packet.h"
#include "milter/service.h"

/*
 * milter_private - what the files of this library share: a conversation and its states.
 */
struct stream;

enum milter_state {
    MILTER_IS_NEW,       /* not connected yet */
    MILTER_IS_READY,     /* to be asked */
    MILTER_HAS_TAKEN,    /* it takes the message, whatever else comes: not asked until the next one */
    MILTER_HAS_ACCEPTED, /* the whole session */
    MILTER_HAS_REFUSED,  /* the whole session: its verdict holds for everything */
    MILTER_IS_BROKEN,    /* the same, by its default action */
    MILTER_STATE_COUNT,
};

struct milter {
    struct milters *set;
    const struct milter_service *service;
    enum milter_state state;
    struct milter_agreement agreement;
    struct stream *stream;                 /* NULL: no connection */
    struct strbuf in, out;                 /* a packet */
    struct strbuf body;                    /* lines on their way to the milter, or from it */
    struct str macros[MILTER_STAGE_COUNT]; /* borrowed: as milter_append_macros made them */
    struct milter_verdict verdict;         /* of one that refused or is broken; reply in the set's arena */

    bool is_in_message; /* MAIL has been said, and no end */
    bool is_waiting;    /* what was asked must be answered */
    bool is_lent;
    bool wants_hold;                  /* it said quarantine where it may not yet */
    bool has_skipped;                 /* it has seen enough of the body */
    bool is_concluded;                /* the end of the message: the verdict is known */
    bool has_return;                  /* the new body's last byte was a CR that may belong to a line's end */
    struct instant patience_ends;     /* of the question asked now, whatever it says of its progress */
    struct milter_verdict conclusion; /* its reply in the set's arena */
};

struct milters {
    struct milters_options options; /* borrowed: only the loop */
    struct arena *arena;
    struct milter *items;
    size_t count, capacity;
    bool is_borrowed;
};

/* One more of a borrowed set; NULL: there are too many. */
struct milter *milters_add(struct milters *milters, const struct milter_service *service);

/* ---- milter_talk.c: one packet after the other ---- */

/* A question: which command, with which macros, in which steps. */
struct milter_event {
    char letter;
    enum milter_stage stage;
    unsigned version; /* known from this one on */
    uint32_t silent;  /* enum milter_step: it is not asked */
    uint32_t mute;    /* it does not answer */
};

extern const struct milter_event milter_event_connect, milter_event_helo, milter_event_mail, milter_event_rcpt,
    milter_event_data, milter_event_unknown, milter_event_header, milter_event_end_of_headers, milter_event_body,
    milter_event_end_of_body;

/* Takes the descriptor and agrees on options. What fails is logged, and the milter broken. */
void milter_begin(struct milter *milter, int fd);
/* Logs, closes, and lets the default action hold from here on. */
void milter_break(struct milter *milter, const char *text);
/* The same without a word: the trouble is logged. */
void milter_give_up(struct milter *milter);
/* The same for what is wrong in main.cf: nothing goes on until it is mended. */
void milter_misconfigured(struct milter *milter, const char *text);
/* The milter refuses the whole session from here on. */
void milter_refuse(struct milter *milter, enum milter_state state, struct milter_verdict verdict);

/* Whether it is asked at all now. */
bool milter_is_asked(const struct milter *milter);
/* Sends macros and command; data is what stands in the command's packet. Sets is_waiting. */
void milter_ask(struct milter *milter, const struct milter_event *event, struct str data);
/* A command that is not answered, without macros. */
void milter_tell(struct milter *milter, char letter);
/* The next packet; data is valid until the next one. False: broken. */
MUST_USE bool milter_read_packet(struct milter *milter, const struct milter_event *event, char *letter_out,
                                 struct str *data_out);

/* It has shown that it is at work: its time begins anew. False: that goes on for too long, and it is broken. */
MUST_USE bool milter_progresses(struct milter *milter, const struct milter_event *event);

/* Others were waited for first: what has come meanwhile is in time, whenever it is read. */
void milter_is_heard_late(struct milter *milter, const struct milter_event *event);

/* ---- milter_answer.c ---- */

/* What came of it, also where nothing was asked. */
struct milter_verdict milter_hear(struct milter *milter, const struct milter_event *event, struct arena *arena);
/* Judges a packet that is no change. False: it goes on, another one follows. */
bool milter_judge(struct milter *milter, const struct milter_event *event, char letter, struct str data,
                  struct arena *arena, struct milter_verdict *verdict_out);

/* ---- milters.c ---- */

/* The macros of a stage: names and values, each with NUL. */
void milter_append_macros(const struct milter *milter, enum milter_stage stage, struct strbuf *out);

#endif
