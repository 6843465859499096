/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_LAYOUT_H
#define CONFIG_LAYOUT_H

#include "base/failure.h"

#include "config/shared_settings.h"

#include <sys/types.h>

/*
 * layout - who we run as, and the directories of an instance with the owner and mode each must have.
 * master puts them right when it starts, "merpati check" tells what is not right.
 *
 * In private/ each socket has the group of its callers; public/ can be passed by everybody, and its sockets
 * say who may connect.
 */
struct layout_identity {
    bool is_root; /* else nobody's owner is looked at: all belongs to the one user */
    uid_t mail_uid;
    gid_t mail_gid;
    uid_t net_uid;
    gid_t net_gid;
    uid_t map_uid;
    gid_t map_gid;
    gid_t setgid_gid;
};

enum layout_owner {
    LAYOUT_ROOT,
    LAYOUT_MAIL_OWNER,
};

enum layout_group {
    LAYOUT_GROUP_OF_OWNER,
    LAYOUT_GROUP_NET,
    LAYOUT_GROUP_SETGID,
};

struct layout_directory {
    const char *name; /* below queue_directory */
    mode_t mode;
    enum layout_owner owner;
    enum layout_group group;
};

/* Ends with a row without name. */
extern const struct layout_directory layout_directories[];

struct privilege_groups;
/*
 * The groups of a service that faces outside: its own, and those into which an administrator has put its user, so that
 * it reaches the sockets of milters and login services ("adduser merpati-net opendkim"); never those that the queue is
 * for.
 */
void layout_service_groups(const struct layout_identity *identity, struct str user, gid_t gid,
                           struct privilege_groups *groups_out);

/* Looks up mail_owner, net_owner, map_owner and setgid_group; as an ordinary user it does not, and gives that user. */
MUST_USE bool layout_identity_find(const struct shared_settings *settings, struct layout_identity *identity_out,
                                   struct failure *why);
uid_t layout_directory_uid(const struct layout_directory *directory, const struct layout_identity *identity);
gid_t layout_directory_gid(const struct layout_directory *directory, const struct layout_identity *identity);

/* Makes queue_directory, what is in it, and data_directory, and puts owner and mode right. */
MUST_USE bool layout_make(const struct shared_settings *settings, const struct layout_identity *identity,
                          struct failure *why);

/* Every directory above path must let mail_owner, net_owner and map_owner pass: false names the first that does not. */
MUST_USE bool layout_is_reachable(struct str path, const struct layout_identity *identity, struct failure *why);

#endif
