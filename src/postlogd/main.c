/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postlogd - the one writer of maillog_file and, with "merpati start-fg", of standard output.
 *
 * It takes datagrams from every jail through public/postlog. It is no user of the daemon skeleton, for it must
 * log while nothing else works: one loop, one socket, one file.
 */

#include "config/directory.h"
#include "config/layout.h"
#include "config/main_cf.h"
#include "config/shared_settings.h"
#include "daemon/master_protocol.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/privilege.h"
#include "os/seccomp.h"
#include "os/signals.h"
#include "os/watchdog.h"
#include "postlogd/line.h"
#include "postlogd/log_file.h"
#include "postlogd/settings.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    DATAGRAM_MAX = 65536,
    OUTPUT_MAX = 4 * 1024 * 1024,
    OUTPUT_ENOUGH = 256 * 1024,
    STATUS_FAILED = 1,
    LAST_WORD_SECONDS = 5,
    ORPHAN_LOOK_MS = 200,
    ORPHAN_LOOKS = 20
};

struct postlogd {
    struct arena *arena;
    struct main_cf *main_cf;
    const struct shared_settings *shared;
    const struct postlogd_settings *settings;
    const char *socket_path;
    struct log_file file;
    struct strbuf output;
    char stamp[32]; /* of that second */
    time_t stamp_second;
    int signal_fd;
    char host[256];
    char datagram[DATAGRAM_MAX];
};

static bool take_options(struct postlogd *postlogd, int argc, char **argv, struct failure *why)
{
    int letter;

    opterr = 0;
    while ((letter = getopt(argc, argv, "cn:o:s:t:uv")) != -1) {
        if (letter == '?')
            return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown option; this program is started by master");
        if (letter == 'o' && !main_cf_override(postlogd->main_cf, str_from_c(optarg), why))
            return false;
    }
    return true;
}

static bool load(struct postlogd *postlogd, int argc, char **argv, struct failure *why)
{
    struct arena *arena = postlogd->arena;
    struct str directory;
    void *settings;

    if (!config_directory_find(STR_EMPTY, arena, &directory, why) ||
        !main_cf_load(directory, arena, &postlogd->main_cf, why))
        return false;
    main_cf_set_program(postlogd->main_cf, STR("postlogd"), STR("postlog"));
    if (!take_options(postlogd, argc, argv, why) ||
        !shared_settings_load(postlogd->main_cf, arena, &postlogd->shared, why) ||
        !settings_load(&postlogd_settings_table, postlogd->main_cf, STR("postlog"), arena, &settings, why))
        return false;
    postlogd->settings = settings;
    postlogd->socket_path = arena_printf(arena, "public/%.*s", STR_ARG(postlogd->shared->postlog_service_name)).data;
    return true;
}

static bool is_allowed(const struct postlogd *postlogd, struct str path)
{
    const struct strlist *prefixes = &postlogd->settings->maillog_file_prefixes;

    for (size_t i = 0; i < prefixes->count; i++) {
        if (str_starts_with(path, prefixes->items[i]))
            return true;
    }
    return false;
}

static bool open_file(struct postlogd *postlogd, struct failure *why)
{
    struct str path = postlogd->shared->maillog_file;

    if (path.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "maillog_file is empty: there is nothing to write to");
    if (!is_allowed(postlogd, path))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "maillog_file = %.*s does not begin with one of maillog_file_prefixes", STR_ARG(path));
    return log_file_open(&postlogd->file, arena_c(postlogd->arena, path),
                         shared_settings_maillog_mode(postlogd->shared), why);
}

static bool enter_jail(const struct postlogd *postlogd, struct failure *why)
{
    struct layout_identity identity;
    bool is_filtered;

    return fd_set_close_on_exec(MASTER_STATUS_FD, true, why) && fd_set_close_on_exec(MASTER_LISTEN_FD, true, why) &&
           layout_identity_find(postlogd->shared, &identity, why) &&
           (!identity.is_root || privilege_drop(identity.mail_uid, identity.mail_gid, why)) &&
           privilege_forbid_new(why) && seccomp_enter("queue", &is_filtered, why);
}

static const char *stamp_now(struct postlogd *postlogd)
{
    time_t now = time(NULL);
    struct tm parts;

    if (now != postlogd->stamp_second)
        strftime(postlogd->stamp, sizeof postlogd->stamp, "%b %e %H:%M:%S", localtime_r(&now, &parts));
    postlogd->stamp_second = now;
    return postlogd->stamp;
}

static void add_datagram(struct postlogd *postlogd, struct str datagram)
{
    struct str stamp = str_from_c(stamp_now(postlogd));
    struct str line;

    while (datagram.len > 0) {
        (void) str_cut(datagram, '\n', &line, &datagram);
        if (line.len > 0)
            line_append(&postlogd->output, line, str_from_c(postlogd->host), stamp);
    }
}

static void write_out(struct postlogd *postlogd)
{
    char prefix[400] = "";

    if (postlogd->output.len == 0)
        return;
    if (postlogd->file.lost_lines > 0)
        snprintf(prefix, sizeof prefix, "%s %s %.*s/postlogd[%d]: ", stamp_now(postlogd), postlogd->host,
                 STR_ARG(postlogd->shared->syslog_name), (int) getpid());
    log_file_write(&postlogd->file, strbuf_str(&postlogd->output), str_from_c(prefix));
    strbuf_clear(&postlogd->output);
}

/* The one program that cannot log by postlogd: syslog and standard error get its last word. */
static int give_up(const struct failure *why)
{
    const struct log_options options = { .name = "merpati/postlogd", .facility = "mail", .to_stderr = true };

    if (!log_open(&options, NULL))
        return STATUS_FAILED;
    log_fatal("%s", why->text);
    log_close();
    return STATUS_FAILED;
}

/* As a signal handler: what it interrupts writes, and goes no further. If the last word hangs too, it is lost. */
static void end_hung(int signal)
{
    struct failure why;

    (void) signal;
    watchdog_feed(seconds(LAST_WORD_SECONDS));
    failure_set(&why, FAILURE_TIMEOUT, 0, "watchdog timeout");
    _exit(give_up(&why));
}

/* All that waits now goes out in few writes. */
static void take_all(struct postlogd *postlogd)
{
    ssize_t len;

    watchdog_feed(postlogd->settings->watchdog_timeout);
    while ((len = recv(MASTER_LISTEN_FD, postlogd->datagram, sizeof postlogd->datagram, MSG_DONTWAIT)) >= 0) {
        add_datagram(postlogd, str_make(postlogd->datagram, (size_t) len));
        if (postlogd->output.len >= OUTPUT_ENOUGH)
            write_out(postlogd);
    }
    write_out(postlogd);
    watchdog_rest();
}

static bool tell_master(enum master_record_kind kind)
{
    const struct master_record record = { .kind = kind };

    return send(MASTER_STATUS_FD, &record, sizeof record, MSG_NOSIGNAL) == (ssize_t) sizeof record;
}

/* The socket's name leads to the next master's. */
static bool is_succeeded(const struct postlogd *postlogd, const struct stat *begun)
{
    struct stat status;

    return stat(postlogd->socket_path, &status) < 0 || status.st_ino != begun->st_ino;
}

/*
 * Until a signal says so. When master is gone the others still end what they have in hand: then until there is a
 * next master, or until nobody has said anything for a while.
 */
static void serve(struct postlogd *postlogd)
{
    struct pollfd polls[] = {
        { .fd = MASTER_LISTEN_FD, .events = POLLIN },
        { .fd = postlogd->signal_fd, .events = POLLIN },
        { .fd = MASTER_STATUS_FD, .events = POLLIN },
    };
    struct stat begun = { 0 };
    bool is_orphaned = false;
    int silent = 0;

    watchdog_start(postlogd->settings->watchdog_timeout, end_hung);
    take_all(postlogd);
    (void) !stat(postlogd->socket_path, &begun);
    while (polls[1].revents == 0 && silent < ORPHAN_LOOKS && (!is_orphaned || !is_succeeded(postlogd, &begun))) {
        int ready = poll(polls, is_orphaned ? 2 : 3, is_orphaned ? ORPHAN_LOOK_MS : -1);

        if (ready < 0 && errno != EINTR)
            break;
        silent = ready == 0 ? silent + 1 : 0;
        is_orphaned = is_orphaned || polls[2].revents != 0;
        take_all(postlogd);
    }
    (void) tell_master(MASTER_RETIRING);
    take_all(postlogd);
}

static bool begin(struct postlogd *postlogd, int argc, char **argv, struct failure *why)
{
    static const int numbers[] = { SIGTERM, SIGHUP, SIGINT };

    strbuf_init(&postlogd->output, OUTPUT_MAX);
    tzset();
    if (gethostname(postlogd->host, sizeof postlogd->host - 1) < 0)
        snprintf(postlogd->host, sizeof postlogd->host, "localhost");
    return signals_open(numbers, ARRAY_COUNT(numbers), &postlogd->signal_fd, why) && load(postlogd, argc, argv, why) &&
           open_file(postlogd, why) && enter_jail(postlogd, why);
}

int main(int argc, char **argv)
{
    static struct postlogd postlogd;
    struct failure why;

    signals_init();
    postlogd.arena = arena_create();
    if (!begin(&postlogd, argc, argv, &why))
        return give_up(&why);
    if (tell_master(MASTER_READY))
        serve(&postlogd);
    log_file_close(&postlogd.file);
    strbuf_done(&postlogd.output);
    arena_destroy(&postlogd.arena);
    return 0;
}
