/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "base/failure.h"
#include "base/ip_address.h"
#include "base/list.h"
#include "base/time.h"
#include "mail/smtp_reply.h"
#include "notice/transcript.h"
#include "smtp/extensions.h"
#include "smtp/trouble.h"
#include "table/table.h"

#include <stdarg.h>

/*
 * session - a connection to one server that has greeted us and heard our name. It carries one message after
 * another. Whoever has it uses it alone.
 */
struct smtp;
struct stream;
struct target;
struct tls_facts;

struct smtp_session {
    struct list place;          /* in the cache */
    struct smtp_session *below; /* there, of the same next hop */
    struct smtp *smtp;
    struct arena *arena;
    struct stream *stream;
    struct str nexthop;           /* that it serves */
    struct str key;               /* for the cache: the next hop, with the server if that is not among its best */
    struct str host;              /* "mx.example.com" */
    struct str name_address;      /* "mx.example.com[192.0.2.1]"; of a Unix socket "host[path]" */
    struct str name_address_port; /* "mx.example.com[192.0.2.1]:25"; of a Unix socket as above */
    struct str address;           /* "192.0.2.1", or the path of a Unix socket: for tables */
    unsigned pix_workarounds;     /* enum pix_workaround that it needs */
    struct smtp_extensions extensions;
    struct smtp_reply reply; /* the last one */
    struct transcript transcript;
    unsigned debug_level;  /* more than 0: the dialogue is logged */
    struct instant opened; /* monotonic */
    struct instant idle_since;
    unsigned uses;       /* messages begun */
    bool is_broken;      /* nothing more can be said on it */
    bool has_said_421;   /* the server is about to close it (RFC 5321 section 3.8): it takes no other message */
    bool is_mute;        /* a write failed; what the server said before may still be read */
    struct failure lost; /* of that write */
    bool needs_reset;    /* RSET goes before the next MAIL */
    bool has_quit;       /* QUIT was said */
    bool is_logged_in;
    const struct tls_facts *tls; /* NULL: it is in clear */
    bool has_failed_handshake;
    bool is_hurried; /* the process ends: no answer to QUIT is waited for */
};

/* What a session is wanted for. */
struct session_purpose {
    struct str nexthop;
    struct str key;      /* of all sessions that are as good: the next hop, and who the sender logs in as */
    struct str queue_id; /* of the message */
    bool has_waited;     /* it was tried before, as far as its age tells */
    struct str sender;
    enum table_result sender_login; /* whether the sender has a login of his own; UNKNOWN: cannot be told now */
    struct str sender_password;     /* it, as the table has it */
};

/* What sessions with the target are kept under. */
struct str session_key(const struct target *target, struct str key, struct arena *arena);

/* As in the log: "mx.example.com[192.0.2.1]:25"; of a Unix socket "host[path]". */
struct str session_server_name(const struct target *target, struct arena *arena);

/*
 * Connects, waits for the greeting, says EHLO or HELO, and logs in where that is wanted. On failure the trouble says
 * why; has_talked_out whether the connection stood.
 */
MUST_USE bool session_open(struct smtp *smtp, const struct target *target, const struct session_purpose *purpose,
                           struct arena *arena, struct smtp_session **session_out, bool *has_talked_out,
                           struct trouble *trouble_out);
/* Says QUIT if it can still be said, and has not been, without waiting for more than smtp_skip_quit_response asks. */
void session_close(struct smtp_session **session);
/* That half of it which may wait. */
void session_say_quit(struct smtp_session *session);
/* Ends the wait of one that has said QUIT, in another fiber. */
void session_hurry(struct smtp_session *session);

/* Buffers a command with its CR LF. A failure shows at the next reply. */
PRINTF_LIKE(2, 3) void session_command(struct smtp_session *session, const char *format, ...);
void session_write(struct smtp_session *session, struct str bytes);
/*
 * Sends what is buffered and reads the next reply, all of it within timeout. False: the connection is of no more use.
 * A reply that is no reply is true with code 0.
 */
MUST_USE bool session_read_reply(struct smtp_session *session, struct duration timeout, struct failure *why);

/*
 * For what is written from now on; replies have their own. A rate in bytes a second makes it the time for all of that
 * together, made longer by what the server takes at that rate; 0: for each wait.
 */
void session_set_timeout(struct smtp_session *session, struct duration timeout, unsigned rate);
/* Sends what is buffered. A failure shows at the next reply. */
void session_flush(struct smtp_session *session);

/* Whether the server has kept silent while the session was not used. */
bool session_is_quiet(const struct smtp_session *session);

#endif
