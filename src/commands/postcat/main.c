/* SPDX-License-Identifier: Apache-2.0 */
/* postcat - shows messages of the queue, by id or by path. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/signals.h"
#include "postcat/show.h"
#include "spool/frame.h"
#include "spool/journal_look.h"
#include "spool/queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct postcat {
    struct arena *arena;
    struct spool_settings spool;
    unsigned parts;
    bool is_by_id;
    bool prints_offsets;   /* -o */
    bool prints_types;     /* -d */
    bool is_in_file_order; /* -r, -s */
    uint64_t skipped;      /* -s: bytes */
};

static int usage(void)
{
    return log_fail(
        1, "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] "
           "[-h (header text)] [-q (access queue)] [-v] [file(s)...]");
}

static struct show begin(const struct postcat *postcat, const char *name)
{
    return (struct show){
        .out = stdout,
        .parts = postcat->parts,
        .name = name,
        .prints_offsets = postcat->prints_offsets,
        .prints_types = postcat->prints_types,
    };
}

static bool wants_places(const struct postcat *postcat)
{
    return postcat->prints_offsets || postcat->prints_types || postcat->is_in_file_order;
}

static bool show_file_bytes(struct show *show, int fd, uint64_t offset, uint64_t length, struct failure *why)
{
    char bytes[65536];

    while (length > 0) {
        size_t wanted = length < sizeof bytes ? (size_t) length : sizeof bytes;
        size_t count;

        if (!file_read_at(fd, show->name, bytes, wanted, offset, &count, why))
            return false;
        if (count == 0)
            return failure_set(why, FAILURE_PERMANENT, 0, "%s: the file is shorter than it says", show->name);
        show_content(show, str_make(bytes, count));
        offset += count;
        length -= count;
    }
    return true;
}

static bool show_file_content(struct show *show, int fd, uint64_t offset, uint64_t length, struct failure *why)
{
    show_content_begin(show);
    if (!show_file_bytes(show, fd, offset, length, why))
        return false;
    show_end(show);
    return true;
}

/* What stands in the file, from so many bytes on: frame by frame, field by field. */
struct in_order {
    const struct postcat *postcat;
    struct show show;
    struct places places;
    int fd;
    uint64_t content_length;
    struct failure *why;
    bool is_good;
};

static bool show_content_in_order(struct in_order *order, const struct place_record *record)
{
    uint64_t from = order->places.content;
    uint64_t end = from + order->content_length;
    uint64_t skipped = order->postcat->skipped;

    if (record->offset >= skipped)
        show_record(&order->show, record);
    if (skipped >= end)
        return true;
    from = skipped > from ? skipped : from;
    order->show.content_at = from;
    return show_file_bytes(&order->show, order->fd, from, end - from, order->why);
}

static bool show_in_order(void *context, const struct place_record *record)
{
    struct in_order *order = context;

    if (record->tag == 0 && record->frame == FRAME_CONTENT)
        order->is_good = show_content_in_order(order, record);
    else if (record->offset >= order->postcat->skipped)
        show_record(&order->show, record);
    return order->is_good;
}

static bool show_file_in_order(const struct postcat *postcat, struct show *show, int fd, uint64_t content_length,
                               struct failure *why)
{
    struct in_order order = {
        .postcat = postcat, .fd = fd, .content_length = content_length, .why = why, .is_good = true
    };

    if (!places_of_file(fd, postcat->arena, &order.places, why))
        return false;
    order.show = *show;
    order.show.places = &order.places;
    order.show.is_line_begin = order.show.is_output_begin = true;
    return places_walk_file(fd, show_in_order, &order, why) && order.is_good;
}

/* An empty file shows nothing, and is no error: "postcat -bhe </dev/null". */
static bool show_open_file(const struct postcat *postcat, const char *name, int fd, struct failure *why)
{
    struct show show = begin(postcat, name);
    struct queue_file_content content;
    struct envelope envelope;
    struct places places;
    struct stat status;

    if (!file_stat_fd(fd, name, &status, why))
        return false;
    if (S_ISREG(status.st_mode) && status.st_size == 0)
        return true;
    if (!queue_file_read(fd, postcat->arena, &envelope, &content, why))
        return failure_prefix(why, "%s", name);
    if (postcat->is_in_file_order)
        return show_file_in_order(postcat, &show, fd, content.length, why);
    if (wants_places(postcat)) {
        if (!places_of_file(fd, postcat->arena, &places, why))
            return false;
        show.places = &places;
    }
    show_envelope(&show, &envelope);
    return show_file_content(&show, fd, content.offset, content.length, why);
}

static bool show_queue_file(const struct postcat *postcat, const char *path, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return file_open(path, O_RDONLY, 0, &fd, why) && show_open_file(postcat, path, fd, why);
}

/* Standard input may be a pipe; a queue file is read here and there. */
static bool show_input(const struct postcat *postcat, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    char bytes[65536];
    size_t count;

    if (!fd_memory(&fd, why))
        return false;
    for (;;) {
        if (!file_read(STDIN_FILENO, "stdin", bytes, sizeof bytes, &count, why))
            return false;
        if (count == 0)
            return show_open_file(postcat, "stdin", fd, why);
        if (!file_write(fd, "stdin", str_make(bytes, count), why))
            return false;
    }
}

static bool show_maildrop_file(const struct postcat *postcat, const char *path, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct show show = begin(postcat, path);
    struct maildrop_message message;
    uint64_t offset;
    uint64_t length;

    if (!maildrop_open(path, postcat->arena, &message, &fd, &offset, &length, why))
        return false;
    show_maildrop(&show, &message);
    return show_file_content(&show, fd, offset, length, why);
}

/* A path may name either kind of file. */
static bool show_path(const struct postcat *postcat, const char *path, struct failure *why)
{
    struct failure other;

    if (show_queue_file(postcat, path, why))
        return true;
    return why->kind == FAILURE_PERMANENT && show_maildrop_file(postcat, path, &other);
}

struct search {
    const struct postcat *postcat;
    struct queue_id id;
    bool is_found;
};

/* A message without a file of its own: where it stands in the journal. */
static bool find_places(const struct postcat *postcat, const struct journal_message *message, struct places *places_out)
{
    CLEANUP(fd_close) int fd = -1;
    struct failure ignored;
    char path[64];

    snprintf(path, sizeof path, "journal/segment-%03u", message->segment);
    return file_open(path, O_RDONLY, 0, &fd, &ignored) &&
           places_of_frame(fd, message->frame_offset, postcat->arena, places_out, &ignored);
}

static bool show_frame(void *context, const struct journal_message *message)
{
    struct search *search = context;
    struct places places;
    struct show show;
    char name[64];

    if (!queue_id_equal(message->envelope->id, search->id))
        return true;
    snprintf(name, sizeof name, "journal/%03u", message->segment);
    show = begin(search->postcat, name);
    if (wants_places(search->postcat) && find_places(search->postcat, message, &places))
        show.places = &places;
    show_envelope(&show, message->envelope);
    show_content_begin(&show);
    show_content(&show, message->content);
    show_end(&show);
    search->is_found = true;
    return false;
}

/* A message may move from the journal to a file while we look: so the files are looked at once more. */
static bool show_id(const struct postcat *postcat, const char *text, struct failure *why)
{
    struct search search = { .postcat = postcat };
    enum spool_queue queue;
    char path[SPOOL_PATH_SIZE];
    char drop[300];
    int tries;

    snprintf(drop, sizeof drop, "maildrop/%s", text);
    if (strchr(text, '/') == NULL && file_exists(drop))
        return show_maildrop_file(postcat, drop, why);
    for (tries = 0; tries < 2 && queue_id_parse(str_from_c(text), &search.id); tries++) {
        if (spool_find(&postcat->spool, search.id, &queue, path, why))
            return show_queue_file(postcat, path, why);
        if (why->kind != FAILURE_NONE || !journal_look(show_frame, &search, why))
            return false;
        if (search.is_found)
            return true;
    }
    return failure_set(why, FAILURE_PERMANENT, ENOENT, "open queue file %s", text);
}

static bool load(struct postcat *postcat, struct str option, struct failure *why)
{
    const struct shared_settings *shared;
    struct main_cf *cf;
    struct str directory;

    if (!config_directory_find(option, postcat->arena, &directory, why) ||
        !main_cf_load(directory, postcat->arena, &cf, why) || !shared_settings_load(cf, postcat->arena, &shared, why))
        return false;
    postcat->spool = spool_settings_make(shared->hash_queue_names, shared->hash_queue_depth);
    if (postcat->is_by_id && chdir(arena_c(postcat->arena, shared->queue_directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(shared->queue_directory));
    return true;
}

static bool parse_arguments(struct postcat *postcat, int argc, char **argv, struct str *directory_out)
{
    int letter;

    while ((letter = getopt(argc, argv, "+bc:dehoqrs:v")) != -1) {
        switch (letter) {
        case 'b':
            postcat->parts |= SHOW_BODY;
            break;
        case 'e':
            postcat->parts |= SHOW_ENVELOPE;
            break;
        case 'h':
            postcat->parts |= SHOW_HEADER;
            break;
        case 'c':
            *directory_out = str_from_c(optarg);
            break;
        case 'q':
            postcat->is_by_id = true;
            break;
        case 'd':
            postcat->prints_types = true;
            break;
        case 'o':
            postcat->prints_offsets = true;
            break;
        case 's':
            if (!str_to_uint64(str_from_c(optarg), &postcat->skipped))
                return false;
            postcat->is_in_file_order = true;
            break;
        case 'r':
            postcat->is_in_file_order = true;
            break;
        case 'v':
            break;
        default:
            return false;
        }
    }
    if (postcat->parts == 0)
        postcat->parts = SHOW_ALL;
    return true;
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct postcat postcat = { .arena = arena };
    const struct log_options options = { .name = "postcat", .facility = "mail", .only_stderr = true };
    struct str directory = STR_EMPTY;
    struct failure why;

    signals_init();
    tzset();
    if (!fd_guard_standard(&why) || !log_open(&options, &why))
        return 1;
    if (!parse_arguments(&postcat, argc, argv, &directory))
        return usage();
    if (!load(&postcat, directory, &why))
        return log_fail(1, "%s", why.text);
    if (optind == argc && !show_input(&postcat, &why))
        return log_fail(1, "%s", why.text);
    for (; optind < argc; optind++)
        if (postcat.is_by_id ? !show_id(&postcat, argv[optind], &why) : !show_path(&postcat, argv[optind], &why))
            return log_fail(1, "%s", why.text);
    if (fflush(stdout) != 0)
        return log_fail(1, "write to standard output: %m");
    return 0;
}
