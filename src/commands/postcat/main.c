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
};

static int usage(void)
{
    return log_fail(1, "usage: postcat [-b (body text)] [-c config_dir] [-e (envelope records)] [-h (header text)] "
                       "[-q (access queue)] [-v] [file(s)...]");
}

static struct show begin(const struct postcat *postcat, const char *name)
{
    return (struct show){ .out = stdout, .parts = postcat->parts, .name = name };
}

static bool show_file_content(struct show *show, int fd, uint64_t offset, uint64_t length, struct failure *why)
{
    char bytes[65536];

    show_content_begin(show);
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
    show_end(show);
    return true;
}

static bool show_queue_file(const struct postcat *postcat, const char *path, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct show show = begin(postcat, path);
    struct queue_file_content content;
    struct envelope envelope;

    if (!queue_file_open(path, postcat->arena, &envelope, &content, &fd, why))
        return false;
    show_envelope(&show, &envelope);
    return show_file_content(&show, fd, content.offset, content.length, why);
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

static bool show_frame(void *context, const struct journal_message *message)
{
    struct search *search = context;
    struct show show;
    char name[64];

    if (!queue_id_equal(message->envelope->id, search->id))
        return true;
    snprintf(name, sizeof name, "journal/%03u", message->segment);
    show = begin(search->postcat, name);
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

    while ((letter = getopt(argc, argv, "+bc:ehoqv")) != -1) {
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
        case 'o':
        case 'v':
            break;
        default:
            return false;
        }
    }
    if (postcat->parts == 0)
        postcat->parts = SHOW_ALL;
    return optind < argc;
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
    for (; optind < argc; optind++)
        if (postcat.is_by_id ? !show_id(&postcat, argv[optind], &why) : !show_path(&postcat, argv[optind], &why))
            return log_fail(1, "%s", why.text);
    if (fflush(stdout) != 0)
        return log_fail(1, "write to standard output: %m");
    return 0;
}
