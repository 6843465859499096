# SPDX-License-Identifier: Apache-2.0
"""spawn: connections that get a process of a command each, as under stock Postfix."""

import os
import re
import socket

import pytest
from support.recorder import normal
from support.waiting import PATIENCE, free_port, wait_until

pytestmark = pytest.mark.sanitized

USER = "merpati-test"

ECHO = """\
#!/bin/sh
echo "hello $*"
while read -r line; do
    case $line in
    who) id -u; id -g; id -G; pwd; umask ;;
    environment) tr '\\0' '\\n' </proc/$$/environ | sort; echo . ;;
    loud) echo loud >&2 ;;
    exit*) exit "${line#exit }" ;;
    kill) kill -KILL $$ ;;
    sleep) echo sleeping; exec sleep 100000 ;;
    *) echo "got $line" ;;
    esac
done
echo bye
"""


class Client:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self.file = self.socket.makefile("rw", encoding="utf-8", newline="\n")

    def say(self, line):
        self.file.write(line + "\n")
        self.file.flush()

    def hear(self, count=1):
        return [self.file.readline().rstrip("\n") for _ in range(count)]

    def rest(self):
        return self.file.read()

    def close(self):
        self.file.close()
        self.socket.close()


def prepare(either, attributes="user=USER argv=RUN a b", maxproc="-", **main):
    mail = either(main=main)
    mail.spawn_port = free_port()
    script = mail.write("echo", ECHO)
    script.chmod(0o755)
    words = attributes.replace("RUN", str(script)).replace("USER", USER if os.geteuid() == 0 else mail.user)
    mail.services += [f"127.0.0.1:{mail.spawn_port} inet n n n - {maxproc} spawn {words}", f"local-echo unix n n n - {maxproc} spawn {words}"]
    mail.write_config()
    mail.start()
    mail.wait_for_port(mail.spawn_port)
    mail.inet = ("127.0.0.1", mail.spawn_port)
    mail.unix = str(mail.queue / "public" / "local-echo")
    return mail


@pytest.mark.parametrize("kind", ["inet", "unix"])
def test_a_connection_is_the_commands_input_output_and_error(either, kind):
    mail = prepare(either)
    client = Client(getattr(mail, kind))
    assert client.hear() == ["hello a b"]
    client.say("what")
    assert client.hear() == ["got what"]
    client.say("loud")
    assert client.hear() == ["loud"]
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest() == "bye\n"
    client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="stock needs root")
def test_rights_place_and_environment_are_stocks(make_stock, make_merpati):
    told = []
    for make in (make_stock, make_merpati):
        mail = prepare(make, attributes="user=USER:daemon argv=RUN {a b} $x ${y}")
        client = Client(mail.inet)
        client.say("who")
        client.say("environment")
        lines = client.hear(6)
        while lines[-1] != ".":
            lines += client.hear()
        client.close()
        told.append([normal(mail, line) for line in lines])
    assert told[1] == told[0]


def test_connections_are_served_at_one_time(either):
    mail = prepare(either)
    clients = [Client(mail.inet) for _ in range(8)]
    assert [client.hear() for client in clients] == [["hello a b"]] * 8
    for client in clients:
        client.close()


def test_maxproc_is_the_number_of_commands(either):
    mail = prepare(either, maxproc="1")
    first = Client(mail.inet)
    assert first.hear() == ["hello a b"]
    second = Client(mail.inet)
    second.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        second.socket.recv(1)
    second.socket.settimeout(PATIENCE)
    first.close()
    assert second.socket.recv(100) == b"hello a b\n"
    second.close()


ENDS = {"exit 0": None, "exit 3": r"warning: command (\S+) exit status 3", "kill": r"warning: command (\S+) killed by signal 9"}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_that_is_not_normal_is_logged(either, end):
    mail = prepare(either)
    client = Client(mail.inet)
    client.say(end)
    client.rest()
    client.close()
    if ENDS[end]:
        assert mail.wait_log(rf"spawn\[\d+\]: {ENDS[end]}$").group(1) == str(mail.path("echo"))
    else:
        again = Client(mail.inet)
        again.hear()
        again.close()
        assert "exit status 0" not in mail.log_text()


def test_a_command_has_its_time(make_merpati):
    mail = prepare(make_merpati, **{"local-echo_time_limit": "1s"})
    client = Client(mail.unix)
    client.say("sleep")
    assert client.rest() == "hello a b\nsleeping\n"
    client.close()
    mail.wait_log(r"spawn\[\d+\]: warning: .*command time limit exceeded$")


def test_a_client_that_goes_ends_its_command(either):
    mail = prepare(either)
    client = Client(mail.inet)
    client.say("who")
    client.hear(2)
    client.close()
    wait_until(lambda: not running(mail), lambda: f"the end of {running(mail)}")


def running(mail):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if open(f"/proc/{entry}/cmdline", "rb").read().startswith(f"/bin/sh\0{mail.path('echo')}".encode()):
                    found.append(int(entry))
            except OSError:
                pass
    return found


def test_a_stop_does_not_wait_for_clients(make_merpati):
    mail = prepare(make_merpati)
    client = Client(mail.inet)
    assert client.hear() == ["hello a b"]
    mail.stop()
    assert client.rest() == "bye\n"
    client.close()


def test_a_reload_leaves_connections_alone(make_merpati):
    mail = prepare(make_merpati)
    client = Client(mail.inet)
    assert client.hear() == ["hello a b"]
    mail.reload()
    client.say("still")
    assert client.hear() == ["got still"]
    client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
@pytest.mark.parametrize("attributes,reason", [
    ("user=root argv=RUN", "user= command-line attribute specifies root privileges"),
    ("user=merpati argv=RUN", "user= command-line attribute specifies mail system owner merpati"),
    ("user=nosuchuser argv=RUN", "unknown username: nosuchuser"),
    ("argv=RUN", "missing user= command-line attribute"),
    ("flags=q user=USER argv=RUN", "unknown attribute name: flags=q"),
    ("user=USER argv=/nonexistent/x", "/nonexistent/x: No such file or directory"),
])
def test_a_line_of_no_use_closes_connections_with_the_reason_in_the_log(make_merpati, attributes, reason):
    mail = prepare(make_merpati, attributes=attributes)
    client = Client(mail.inet)
    assert client.rest() == ""
    client.close()
    mail.wait_log(rf"spawn\[\d+\]: (?:error|fatal): .*{re.escape(reason)}$")
