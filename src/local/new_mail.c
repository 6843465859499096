/* SPDX-License-Identifier: Apache-2.0 */
#include "local/new_mail.h"

#include "os/fd.h"
#include "os/system_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

enum { COMSAT_PORT = 512, TEXT_MAXIMUM = 300 };

void new_mail_tell(struct str user, uint64_t offset)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(COMSAT_PORT),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    char text[TEXT_MAXIMUM];
    const int len = snprintf(text, sizeof text, "%.*s@%llu", STR_ARG(user), (unsigned long long) offset);

    /* It takes the NUL, too. */
    if (len > 0 && (size_t) len < sizeof text)
        system_socket_send_datagram((const struct sockaddr *) &address, sizeof address,
                                    str_make(text, (size_t) len + 1));
}
