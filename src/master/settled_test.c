/* SPDX-License-Identifier: Apache-2.0 */
#include "master/settled.h"

#include "os/fd.h"
#include "os/system_socket.h"
#include "unit.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

static struct settled settled;
static int askers[3 * SETTLED_ASKERS_MAX];

static struct instant second(int64_t n)
{
    return instant_from_seconds(1000 + n);
}

static void open_here(void)
{
    EXPECT(chdir(unit_directory()) == 0);
    (void) mkdir("pid", 0755);
    EXPECT(settled_open(&settled, NULL));
}

static void ask(int asker)
{
    EXPECT(system_socket_try_connect_unix(IN_FORCE_SOCKET, &askers[asker], NULL));
}

static bool is_answered(int asker)
{
    struct pollfd poll_fd = { .fd = askers[asker], .events = POLLIN };

    return poll(&poll_fd, 1, 0) > 0;
}

static void close_all(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(askers); i++)
        fd_close(&askers[i]);
    settled_close(&settled);
}

TEST(who_asks_waits_until_it_is_settled)
{
    open_here();
    ask(0);
    settled_take(&settled, second(0));
    settled_release(&settled, false, STR_EMPTY, second(1));
    EXPECT_FALSE(is_answered(0));
    settled_release(&settled, true, STR_EMPTY, second(1));
    EXPECT(is_answered(0));
    close_all();
}

TEST(who_comes_later_is_not_let_go_before)
{
    open_here();
    ask(0);
    settled_take(&settled, second(0));
    ask(1);
    settled_release(&settled, true, STR_EMPTY, second(1));
    EXPECT(is_answered(0));
    EXPECT_FALSE(is_answered(1));
    settled_take(&settled, second(1));
    EXPECT_FALSE(is_answered(1));
    settled_release(&settled, true, STR_EMPTY, second(2));
    EXPECT(is_answered(1));
    close_all();
}

TEST(patience_ends_for_each_by_itself)
{
    open_here();
    ask(0);
    settled_take(&settled, second(0));
    ask(1);
    settled_take(&settled, second(6));
    settled_release(&settled, false, STR_EMPTY, second(IN_FORCE_SECONDS));
    EXPECT_FALSE(is_answered(0));
    settled_release(&settled, false, STR_EMPTY, second(10));
    EXPECT(is_answered(0));
    EXPECT_FALSE(is_answered(1));
    settled_release(&settled, false, STR_EMPTY, second(16));
    EXPECT(is_answered(1));
    close_all();
}

TEST(more_than_there_is_room_for_wait_their_turn)
{
    open_here();
    for (int i = 0; i < SETTLED_ASKERS_MAX + 5; i++)
        ask(i);
    settled_take(&settled, second(0));
    EXPECT_INT(settled_listener(&settled), -1);
    settled_release(&settled, false, STR_EMPTY, second(1));
    for (int i = 0; i < SETTLED_ASKERS_MAX + 5; i++)
        EXPECT_FALSE(is_answered(i));
    settled_release(&settled, true, STR_EMPTY, second(1));
    EXPECT(is_answered(SETTLED_ASKERS_MAX - 1));
    EXPECT_FALSE(is_answered(SETTLED_ASKERS_MAX));
    EXPECT_INT(settled_listener(&settled), settled.listener);
    settled_take(&settled, second(1));
    settled_release(&settled, true, STR_EMPTY, second(1));
    EXPECT(is_answered(SETTLED_ASKERS_MAX + 4));
    close_all();
}

TEST(who_has_left_is_in_nobodys_way)
{
    open_here();
    ask(0);
    ask(1);
    settled_take(&settled, second(0));
    fd_close(&askers[0]);
    settled_release(&settled, true, STR_EMPTY, second(1));
    EXPECT(is_answered(1));
    close_all();
}

TEST(who_is_let_go_hears_what_there_is_to_say)
{
    char text[16] = "";

    open_here();
    ask(0);
    settled_take(&settled, second(0));
    settled_release(&settled, true, STR("bad port\n"), second(1));
    EXPECT_INT(read(askers[0], text, sizeof text), 9);
    EXPECT_TEXT(text, "bad port\n");
    EXPECT_INT(read(askers[0], text, sizeof text), 0);
    close_all();
}

TEST(at_the_end_all_are_let_go_and_the_socket_is_gone)
{
    open_here();
    ask(0);
    settled_take(&settled, second(0));
    settled_close(&settled);
    EXPECT(is_answered(0));
    EXPECT(access(IN_FORCE_SOCKET, F_OK) < 0);
    close_all();
}
