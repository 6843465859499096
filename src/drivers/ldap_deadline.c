/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ldap_deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

/* Between the socket and TLS, which is at LBER_SBIOD_LEVEL_TRANSPORT. */
enum { LEVEL = LBER_SBIOD_LEVEL_PROVIDER + 5 };

static int64_t milliseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool wait_for(Sockbuf_IO_Desc *layer, short events)
{
    const struct ldap_deadline *deadline = layer->sbiod_pvt;
    struct pollfd server = { .events = events };
    ber_socket_t fd = -1;
    int count;

    if (ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &fd) != 1)
        return true;
    server.fd = fd;
    do {
        int64_t left = deadline->end_ms - milliseconds_now();

        count = poll(&server, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int) left);
    } while (count < 0 && errno == EINTR);
    if (count != 0)
        return true;
    errno = ETIMEDOUT;
    return false;
}

static int set_up(Sockbuf_IO_Desc *layer, void *deadline)
{
    layer->sbiod_pvt = deadline;
    return 0;
}

static int control(Sockbuf_IO_Desc *layer, int option, void *value)
{
    return LBER_SBIOD_CTRL_NEXT(layer, option, value);
}

static ber_slen_t receive(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
    return wait_for(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, data, len) : -1;
}

static ber_slen_t transmit(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
    return wait_for(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, data, len) : -1;
}

static int nothing_to_do(Sockbuf_IO_Desc *layer)
{
    (void) layer;
    return 0;
}

static int has_connected(LDAP *ldap, Sockbuf *socket, LDAPURLDesc *server, struct sockaddr *address,
                         struct ldap_conncb *callbacks)
{
    static Sockbuf_IO layer = {
        .sbi_setup = set_up,
        .sbi_remove = nothing_to_do,
        .sbi_ctrl = control,
        .sbi_read = receive,
        .sbi_write = transmit,
        .sbi_close = nothing_to_do,
    };

    (void) ldap;
    (void) server;
    (void) address;
    return ber_sockbuf_add_io(socket, &layer, LEVEL, callbacks->lc_arg);
}

static void has_ended(LDAP *ldap, Sockbuf *socket, struct ldap_conncb *callbacks)
{
    (void) ldap;
    (void) socket;
    (void) callbacks;
}

bool ldap_deadline_watch(struct ldap_deadline *deadline, LDAP *ldap)
{
    deadline->callbacks = (struct ldap_conncb){ has_connected, has_ended, deadline };
    return ldap_set_option(ldap, LDAP_OPT_CONNECT_CB, &deadline->callbacks) == LDAP_OPT_SUCCESS;
}

void ldap_deadline_set(struct ldap_deadline *deadline, int seconds)
{
    deadline->end_ms = milliseconds_now() + (int64_t) seconds * 1000;
}

bool ldap_deadline_is_over(const struct ldap_deadline *deadline)
{
    return milliseconds_now() >= deadline->end_ms;
}
