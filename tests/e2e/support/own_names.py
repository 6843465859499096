# SPDX-License-Identifier: Apache-2.0
"""
A name server of the test's own for an instance that is configured but not started, Merpati's or stock Postfix's.

Stock asks whom /etc/resolv.conf names, at port 53: it is started in a mount namespace with another file in that place,
and the server listens on port 53 of a loopback address that nobody else has. Needs root.
"""

import os

from .dns_server import DnsServer
from .instance import Stock


def _server_of_its_own():
    for number in range(1, 250):
        try:
            return DnsServer(address=f"127.53.{os.getpid() % 250}.{number}", port=53)
        except OSError:
            continue
    raise AssertionError("no loopback address with a free port 53")


def own_names(mail):
    """The server; the caller stops it."""
    names = _server_of_its_own() if isinstance(mail, Stock) else DnsServer()
    if isinstance(mail, Stock):
        path = mail.write("resolv.conf", f"nameserver {names.address}\n")
        mail.wrapper = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', path]
    else:
        path = mail.write("resolv.conf", f"nameserver {names.address}@{names.port}\n")
        mail.set(import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={path}")
    return names
