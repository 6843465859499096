/* SPDX-License-Identifier: Apache-2.0 */
#include "postdrop/drop.h"

#include "base/strbuf.h"
#include "os/file.h"
#include "protocol/submission.h"
#include "spool/maildrop_file.h"

#include <errno.h>
#include <unistd.h>

static const char input_name[] = "standard input";

static bool read_exact(int fd, void *data, size_t size, struct failure *why)
{
    size_t done = 0;

    while (done < size) {
        size_t count;

        if (!file_read(fd, input_name, (char *) data + done, size - done, &count, why))
            return false;
        if (count == 0)
            return failure_set(why, FAILURE_PROTOCOL, 0, "the input ended before the message did");
        done += count;
    }
    return true;
}

/* The next piece; empty at the end of the content. */
static bool read_piece(int fd, struct strbuf *piece, struct failure *why)
{
    unsigned char head[4];
    size_t len;

    strbuf_clear(piece);
    if (!read_exact(fd, head, sizeof head, why))
        return false;
    len = submission_get_length(head);
    if (len > piece->maximum)
        return failure_set(why, FAILURE_PROTOCOL, 0, "the input has a piece of %zu bytes", len);
    if (!read_exact(fd, strbuf_reserve(piece, len), len, why))
        return false;
    strbuf_extend(piece, len);
    return true;
}

static bool read_wishes(int fd, struct arena *arena, struct maildrop_message *message, struct failure *why)
{
    struct strbuf bytes;
    void *decoded = NULL;
    bool is_good;

    strbuf_init(&bytes, SUBMISSION_WISHES_MAXIMUM);
    is_good = read_piece(fd, &bytes, why) &&
              message_decode(&submission_message, strbuf_str(&bytes), -1, arena, &decoded, why);
    strbuf_done(&bytes);
    if (!is_good)
        return false;

    const struct submission *wishes = decoded;

    *message = (struct maildrop_message){
        .arrival = clock_now(),
        .uid = getuid(),
        .sender = wishes->sender,
        .full_name = wishes->full_name,
        .dsn_envid = wishes->envid,
        .dsn_return = wishes->dsn_return,
        .dsn_notify = wishes->dsn_notify,
        .verp_delimiters = wishes->verp_delimiters,
        .encoding = wishes->encoding,
        .rewrite_context = wishes->is_relayed ? STR("remote") : STR("local"),
        .wants_extraction = wishes->wants_extraction,
        .wants_verify_report = wishes->wants_verify_report,
        .wants_delivery_report = wishes->wants_delivery_report,
        .wants_smtputf8 = wishes->wants_smtputf8,
        .recipients = wishes->recipients,
    };
    return true;
}

static bool copy_content(int fd, struct maildrop_writer *writer, int64_t limit, struct failure *why)
{
    struct strbuf piece;
    uint64_t total = 0;
    bool is_good;

    strbuf_init(&piece, SUBMISSION_PIECE_MAXIMUM);
    while ((is_good = read_piece(fd, &piece, why)) && piece.len > 0) {
        total += piece.len;
        if (limit > 0 && total > (uint64_t) limit)
            is_good = failure_set(why, FAILURE_PERMANENT, EFBIG, "message file too big");
        else
            is_good = maildrop_write_content(writer, strbuf_str(&piece), why);
        if (!is_good)
            break;
    }
    strbuf_done(&piece);
    return is_good;
}

bool drop_message(int fd, int64_t message_size_limit, drop_sender_check *may_send_as, void *context,
                  struct failure *why)
{
    struct arena *arena = arena_create();
    struct maildrop_writer *writer = NULL;
    struct maildrop_message message;
    bool is_good = read_wishes(fd, arena, &message, why) && may_send_as(context, message.sender, why) &&
                   maildrop_create(&writer, why) && maildrop_write_message(writer, &message, why) &&
                   copy_content(fd, writer, message_size_limit, why) && maildrop_finish(&writer, why);

    maildrop_abandon(&writer);
    arena_destroy(&arena);
    return is_good;
}
