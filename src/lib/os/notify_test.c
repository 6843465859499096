/* SPDX-License-Identifier: Apache-2.0 */
#include "os/notify.h"

#include "os/fd.h"
#include "os/system_socket.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(the_service_manager_hears_each_state)
{
    const struct system_socket_access access = { 0600, (uid_t) -1, (gid_t) -1 };
    char path[300], text[200];
    ssize_t len;
    int fd = -1;

    snprintf(path, sizeof path, "%s/notify", unit_directory());
    EXPECT(system_socket_bind_datagram(path, &access, &fd, NULL));
    EXPECT(setenv("NOTIFY_SOCKET", path, 1) == 0);
    notify_ready();
    len = read(fd, text, sizeof text);
    EXPECT_STR(str_make(text, len < 0 ? 0 : (size_t) len), STR("READY=1"));
    notify_reloading();
    len = read(fd, text, sizeof text);
    EXPECT(str_starts_with(str_make(text, len < 0 ? 0 : (size_t) len), STR("RELOADING=1\nMONOTONIC_USEC=")));
    notify_stopping();
    len = read(fd, text, sizeof text);
    EXPECT_STR(str_make(text, len < 0 ? 0 : (size_t) len), STR("STOPPING=1"));
    fd_close(&fd);
}
