# SPDX-License-Identifier: Apache-2.0
"""
Stock Postfix and Merpati as judges of the same sessions: each list of restrictions has an smtpd of its own in both, and a name server of
the test's own answers both.
"""

import re

from .instance import Merpati, Stock
from .own_names import own_names
from .smtp_client import Disconnected, SmtpClient
from .waiting import free_port

BASE = {
    "relay_domains": "ours.test",
    "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
    "smtpd_error_sleep_time": "0",
    "smtpd_hard_error_limit": "1000",
    "anvil_status_update_time": "1h",
    "default_process_limit": "500",
}


class Judge:
    """
    kind is Stock or Merpati; lists are {name: {parameter: value}}; records are zone-file words; failures {name: how}; files and tables
    (hash:) {name: content}, in %dir%; services more lines of master.cf, not in a jail.
    """

    def __init__(self, kind, lists, records=(), failures=None, files=None, tables=None, services=()):
        self.mail = kind(main=dict(BASE))
        self.names = own_names(self.mail)
        for name, record_type, value in records:
            self.names.add(name, record_type, value)
        for name, how in (failures or {}).items():
            self.names.fail(name, how)
        for name, content in (files or {}).items():
            self.mail.write(name, content)
        for name, content in (tables or {}).items():
            self.mail.table(name, content)
        self.mail.services += services
        self.ports, self.counts, self.words = {}, {}, {}
        for number, (name, parameters) in enumerate(lists.items()):
            self.ports[name], self.words[name], self.counts[name] = free_port(), f"list{number}", 0
            words = "".join(f" -o {{ {key} = {str(value).replace('%dir%', str(self.mail.directory))} }}" for key, value in parameters.items())
            self.mail.services.append(
                f"127.0.0.1:{self.ports[name]} inet n - {self.mail.chroot} - - smtpd -o syslog_name=list{number}{words}"
            )
        self.mail.write_config()

    def start(self):
        self.mail.start()
        return self

    def finish(self):
        self.mail.finish()
        self.names.stop()

    def play(self, name, lines, source=None):
        """
        Replies, "command: reply", and then what smtpd logged of the session. A line of bytes is sent as it is; "<" reads a reply.
        EHLO's reply is long and not looked at.
        """
        begun = len(self.mail.log_text())
        said = []
        try:
            client = SmtpClient(self.ports[name], source=source)
            if client.greeting.code != 220:
                said.append(f"greeting: {client.greeting}")
            for line in lines:
                if isinstance(line, bytes):
                    client.send(line)
                elif line == "<":
                    said.append(f"then: {client.reply()}")
                else:
                    reply = client.command(line)
                    said.append(f"{line}: {reply if not (line.startswith('EHLO') and reply.code == 250) else 250}")
            client.quit()
        except (Disconnected, ConnectionError):
            said.append("the server ended the session")
        self.counts[name] += 1
        self.mail.wait_log(rf"{self.words[name]}/smtpd\[\d+\]: disconnect from ", self.counts[name])
        return said + self.log_of(name, begun)

    def log_of(self, name, begun):
        found = re.findall(rf"(?m) {self.words[name]}/smtpd\[\d+\]: (.*)$", self.mail.log_text()[begun:])
        found = [re.sub(r"^[0-9A-F]{8,15}: ", "ID: ", line) for line in found]
        return [line for line in found if not re.match(r"(dis)?connect from |improper command pipelining|ID: client=", line)]


def make_judges(lists, **zone):
    """[stock, merpati], started; the caller finishes them."""
    judges = []
    try:
        for kind in (Stock, Merpati):
            judges.append(Judge(kind, lists, **zone))
            judges[-1].start()
    except BaseException:
        for judge in judges:
            judge.finish()
        raise
    return judges
