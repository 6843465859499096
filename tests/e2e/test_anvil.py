# SPDX-License-Identifier: Apache-2.0
"""What one client may do at a time and in a time: limits, exceptions, blocks of addresses, statistics, and an anvil that is gone."""

import re
import signal

import pytest

from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port, wait_until

SOURCE = "127.0.0.3"
MAIN = {"smtpd_client_event_limit_exceptions": "127.0.0.2", "smtpd_error_sleep_time": "0", "smtpd_peername_lookup": "no",
        "local_recipient_maps": "", "smtpd_relay_restrictions": "permit_mynetworks, reject", "anvil_rate_time_unit": "600s"}
TOO_MANY = "421 4.7.0 mail.example.test Error: too many connections from {}"


class Doors:
    """A service for each limit, each with a name of its own in the log."""

    def __init__(self, instance, **limits):
        self.instance = instance
        self.ports = {name: free_port() for name in limits}
        for name, limit in limits.items():
            words = "".join(f" -o {{ {word} }}" for word in limit.split(", "))
            instance.services.append(
                f"127.0.0.1:{self.ports[name]} inet n - {instance.chroot} - - smtpd -o syslog_name={name}{words}")
        instance.write_config()

    def enter(self, name, source=SOURCE, **options):
        return SmtpClient(self.ports[name], source=source, **options)

    def ask(self, name, *commands, source=SOURCE):
        """The greeting and the replies of one session, and what the log says of it when it is over."""
        ends = len(self.told(name, "disconnect from"))
        with self.enter(name, source) as client:
            replies = [client.greeting.text]
            try:
                for command in (*commands, "QUIT"):
                    replies.append(client.command(command).text)
            except (Disconnected, ConnectionError):
                replies.append("closed")
        self.instance.wait_log(rf"{name}/smtpd\[\d+\]: disconnect from", ends + 1)
        return replies

    def told(self, name, word="warning: "):
        port = str(self.ports[name])
        return [line.replace(port, "PORT") for line in self.instance.log_lines(rf" {name}/smtpd\[\d+\]: {word}")]


@pytest.fixture
def doors(request):
    def make(instance, **limits):
        made = Doors(instance, **limits)
        instance.start()
        return made

    return make


LIMITS = {
    "count": "smtpd_client_connection_count_limit = 1",
    "pace": "smtpd_client_connection_rate_limit = 1",
    "mail": "smtpd_client_message_rate_limit = 1",
    "rcpt": "smtpd_client_recipient_rate_limit = 2",
    "auth": "smtpd_client_auth_rate_limit = 1",
}


def everything(doors):
    """The same in each of two systems: replies, and warnings."""
    with doors.enter("count") as client:
        seen = [client.greeting.text, doors.ask("count")]
    # The end of a connection is counted a moment after it.
    wait_until(lambda: doors.ask("count")[0].startswith("220"), "room for a connection")
    seen += [doors.ask("pace"), doors.ask("pace"), doors.ask("pace", source="127.0.0.2"),
             doors.ask("pace", source="127.0.0.2")]
    seen.append(doors.ask("mail", "EHLO x", "MAIL", "MAIL FROM:<>", "MAIL FROM:<>", "RSET", "MAIL FROM:<", "MAIL FROM:<>", "RCPT TO:<a@b.test>"))
    seen.append(doors.ask("rcpt", "EHLO x", "RCPT TO:<a@b.test>", "MAIL FROM:<>", "RCPT", "RCPT TO:<a", "RCPT TO:<root>", "RCPT TO:<root>",
                          "VRFY", "VRFY root", "RSET"))
    seen.append(doors.ask("rcpt", "EHLO x", "MAIL FROM:<>", "RCPT TO:<root>"))
    seen.append(doors.ask("auth", "EHLO x", "AUTH PLAIN", "AUTH PLAIN x"))
    return seen + [doors.told(name)[: 1 if name == "count" else None] for name in LIMITS]


def test_limits_answer_and_are_logged_as_in_stock(make_merpati, make_stock, doors):
    ours = everything(doors(make_merpati(main=MAIN), **LIMITS))
    assert ours == everything(doors(make_stock(main=MAIN), **LIMITS))
    assert ours[1] == [TOO_MANY.format(SOURCE), "closed"]


def test_all_processes_count_together_and_statistics_say_who_was_first(make_merpati, doors):
    mail = make_merpati(main={**MAIN, "anvil_status_update_time": "1s", "service_workers": "3"})
    ours = doors(mail, count="smtpd_client_connection_count_limit = 3, smtpd_client_message_rate_limit = 9")
    clients = [ours.enter("count") for _ in range(6)]
    assert sorted(client.greeting.code for client in clients) == [220] * 3 + [421] * 3
    for client in clients:
        if client.greeting.code == 220:
            client.hello()
            client.command("MAIL FROM:<>")
            break
    for text in ("max connection rate 6/600s for NAME at", "max connection count [456] for NAME at", "max message rate 1/600s for NAME at",
                 r"max cache size \d at"):
        pattern = text.replace("NAME", re.escape(f"(127.0.0.1:{ours.ports['count']}:{SOURCE})"))
        mail.wait_log(rf"anvil\[\d+\]: statistics: {pattern} [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d$")
    for client in clients:
        client.close()


def test_a_block_of_addresses_is_one_client(make_merpati, doors):
    ours = doors(make_merpati(main=MAIN | {"smtpd_authorized_xclient_hosts": "127.0.0.0/8"}),
                 block="smtpd_client_connection_rate_limit = 1, smtpd_client_ipv4_prefix_length = 28",
                 wide="smtpd_client_connection_rate_limit = 1, smtpd_client_ipv6_prefix_length = 33",
                 one="smtpd_client_connection_rate_limit = 1")

    def code(door, address):
        return int(ours.ask(door, f"XCLIENT ADDR={address}")[1][:3])

    assert [code("block", f"192.0.2.{last}") for last in (17, 16, 31, 32, 1)] == [220, 421, 421, 220, 220]
    assert [code("one", f"192.0.2.{last}") for last in (17, 16, 17)] == [220, 220, 421]
    assert [code("one", f"IPV6:2001:db8::{x}") for x in ("1", "fff:ffff:ffff", "1000:0:0")] == [220, 421, 220]
    assert [code("wide", f"IPV6:2001:db8:{x}::1") for x in ("0", "7fff", "8000")] == [220, 421, 220]


def test_the_old_name_of_the_exceptions_takes_the_default_away(make_merpati, doors):
    """As the default value has it, in Postfix too: mynetworks only while the old name is empty."""
    main = {name: value for name, value in MAIN.items() if "exceptions" not in name}
    pace = "smtpd_client_connection_rate_limit = 1"
    ours = doors(make_merpati(main=main), new=pace, old=f"{pace}, smtpd_client_connection_limit_exceptions = 192.0.2.1")
    assert [ours.ask("new")[0][:3] for _ in range(2)] == ["220", "220"]
    assert [ours.ask("old")[0][:3] for _ in range(2)] == ["220", "421"]


def test_an_anvil_that_dies_or_is_replaced_begins_at_zero(make_merpati, doors):
    mail = make_merpati(main=MAIN)
    ours = doors(mail, pace="smtpd_client_connection_rate_limit = 1, smtpd_client_message_rate_limit = 1")
    with ours.enter("pace") as client:
        client.hello()
        assert client.commands("MAIL FROM:<>", "RSET", "MAIL FROM:<>")[2] == f"450 4.7.1 Error: too much mail from {SOURCE}"
        first = mail.pids("anvil")
        mail.kill("anvil")
        mail.wait_log(r"master\[\d+\]: warning: process \S*anvil pid \d+ killed by signal 9")
        assert client.commands("MAIL FROM:<>", "RSET", "MAIL FROM:<>")[::2] == ["250 2.1.0 Ok", f"450 4.7.1 Error: too much mail from {SOURCE}"]
        assert ours.ask("pace")[0][:3] == "220"
        assert mail.pids("anvil") != first
        mail.reload()
        assert ours.ask("pace")[0][:3] == "220"
        assert ours.ask("pace")[0][:3] == "421"
        assert client.command("NOOP").code == 250
    assert not ours.told("pace", "warning: problem")


def test_without_anvil_there_is_a_warning_and_no_limit(make_merpati, doors):
    mail = make_merpati(main=MAIN | {"service_workers": "1"})
    mail.master = re.sub(r"(?m)^anvil .*\n", "", mail.master)
    ours = doors(mail, pace="smtpd_client_connection_rate_limit = 1, smtpd_client_message_rate_limit = 1")
    for _ in range(3):
        assert ours.ask("pace", "EHLO x", "MAIL FROM:<>", "RSET", "MAIL FROM:<>")[2:5] == ["250 2.1.0 Ok", "250 2.0.0 Ok", "250 2.1.0 Ok"]
    (line,) = ours.told("pace")
    assert line.startswith("warning: problem talking to server private/anvil: ")


def test_an_anvil_that_hangs_holds_up_who_asked_and_nobody_else(make_merpati, doors):
    mail = make_merpati(main=MAIN | {"service_workers": "1", "anvil_status_update_time": "1s"})
    ours = doors(mail, pace="smtpd_client_connection_rate_limit = 1")
    assert ours.ask("pace")[0].startswith("220 ")
    mail.kill("anvil", signal.SIGSTOP)
    assert all(ours.ask("pace", "EHLO x")[0].startswith("220 ") for _ in range(4))
    mail.kill("anvil", signal.SIGCONT)
    # Only the first of them has asked.
    mail.wait_log(rf"anvil\[\d+\]: statistics: max connection rate 2/600s for \(127\.0\.0\.1:{ours.ports['pace']}:")
    (line,) = ours.told("pace")
    assert line.startswith("warning: problem talking to server private/anvil: ")
