# SPDX-License-Identifier: Apache-2.0
"""An instance in a small world of its own: a name server, and SMTP servers that share one port on other addresses."""

from .waiting import free_port

QUICK = {"smtp_connect_timeout": "2s", "smtp_connection_cache_on_demand": "no"}


class World:
    """The instance (configured, not started), its name server, and a maker of servers."""

    def __init__(self, mail, names, sink):
        self.mail, self.names, self.sink = mail, names, sink
        self.port = free_port()
        mail.set(smtp_tcp_port=str(self.port), **QUICK)

    def server(self, address, **options):
        return self.sink(address=address, port=self.port, **options)

    def host(self, name, *addresses):
        for address in addresses:
            self.names.add(name, "AAAA" if ":" in address else "A", address)

    def exchanger(self, domain, preference, name, *addresses):
        self.names.add(domain, "MX", f"{preference} {name}.")
        self.host(name, *addresses)

    def send(self, *recipients):
        with self.mail.smtp() as client:
            client.hello()
            for recipient in recipients:
                assert client.deliver("s@example.test", recipient, "Subject: x\n\nhello\n").code == 250

    def start(self, **main):
        self.mail.set(**main)
        self.mail.start()
        return self

    def outcome(self, recipient, pattern):
        self.mail.wait_log(rf"to=<{recipient}>, {pattern}")
