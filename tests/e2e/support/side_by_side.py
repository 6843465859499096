# SPDX-License-Identifier: Apache-2.0
"""Stock Postfix and Merpati with the same configuration and a sink each: what one does, the other must do."""

import re

from .instance import Merpati, Stock
from .smtp_sink import SmtpSink
from .waiting import free_port, wait_until

UNDISCLOSED = "To: undisclosed-recipients:;"


class Side:
    """One of the two, with its sink as relayhost."""

    def __init__(self, kind, main, replies=None, prepare=None, extensions=None, tls=None):
        self.sink = SmtpSink(replies=replies or {}, extensions=extensions, tls=tls)
        self.instance = kind(
            main={
                "undisclosed_recipients_header": UNDISCLOSED,
                "relayhost": f"[127.0.0.1]:{self.sink.port}",
                "smtp_host_lookup": "native",
                **main,
            }
        )
        if prepare:
            prepare(self)
            self.instance.write_config()
        self.instance.start()

    def add_entrance(self, smtpd, cleanup=None):
        """In prepare: a port of its own with parameters of its own, and with its own cleanup; returns the port."""
        instance = self.instance
        port = free_port()
        if cleanup is not None:
            smtpd = {**smtpd, "cleanup_service_name": f"cleanup-{port}"}
            instance.services.append(f"cleanup-{port} unix n - {instance.chroot} - 0 cleanup{options(cleanup)}")
        instance.services.append(f"127.0.0.1:{port} inet n - {instance.chroot} - - smtpd{options(smtpd)}")
        return port

    def normal(self, text):
        """Without what may differ: ids, times, ports, random names."""
        # As a word: its digits may be part of a queue id, too.
        text = re.sub(rf"\b{self.sink.port}\b", "PORT", text)
        text = re.sub(r"[A-Z][a-z]{2}, [ \d]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)", "DATE", text)
        text = re.sub(r"\b\d{14}\.[0-9A-F]{8,15}@", "ID@", text)
        text = re.sub(r"\b[0-9A-F]{8,15}\.\d{10}/", "BOUNDARY/", text)
        text = re.sub(r"^From (.+?)  ?[A-Z][a-z]{2} [A-Z][a-z]{2} .*", r"From \1 DATE", text)
        text = re.sub(r"(Queue-ID: |\bid )[0-9A-F]{8,15}\b", r"\1ID", text)
        return text

    def finish(self):
        self.instance.finish()
        self.sink.stop()


def options(parameters):
    """As they stand behind a service in master.cf."""
    return "".join(f" -o {{ {name} = {value} }}" for name, value in parameters.items())


def make_pair(main, replies=None, prepare=None, extensions=None, tls=None):
    """[stock, merpati], both running; prepare is called with each side before its start. The caller finishes them."""
    sides = []
    try:
        for kind in (Stock, Merpati):
            sides.append(Side(kind, main, replies, prepare, extensions, tls))
    except BaseException:
        for side in sides:
            side.finish()
        raise
    return sides


def new_messages(side, count, act):
    """Runs act() and returns the count messages that then reach the sink, in the order of their content."""
    before = len(side.sink.messages)
    act()
    wait_until(lambda: len(side.sink.messages) >= before + count,
               lambda: f"{count} messages at the sink; log:\n{side.instance.tail()}")
    return side.sink.messages[before:]
