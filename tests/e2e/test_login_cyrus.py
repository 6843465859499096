# SPDX-License-Identifier: Apache-2.0
"""smtpd_sasl_type = cyrus: the sasl service, with sasldb and with saslauthd."""

import base64
import contextlib
import hmac
import re
import shutil
import smtplib
import socket
import subprocess
import threading

import pytest
from support.instance import IS_ROOT
from support.waiting import PATIENCE, free_port, wait_until

PASSWORD = "secret word"
SETTINGS = {"smtpd_sasl_auth_enable": "yes", "mynetworks": "127.0.0.9", "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000",
            "smtpd_error_sleep_time": "0", "smtpd_delay_open_until_valid_rcpt": "no"}
SASLDB = """pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb2
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 ANONYMOUS EXTERNAL
"""
DONE = "235 2.7.0 Authentication successful"
FAILED = "535 5.7.8 Error: authentication failed: "
TROUBLE = "454 4.7.0 Temporary authentication failure: generic failure"


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(user, password=PASSWORD):
    return "AUTH PLAIN " + b64(f"\0{user}\0{password}")


def cram(user):
    return lambda reply: b64(f"{user} " + hmac.new(PASSWORD.encode(), base64.b64decode(reply[4:]), "md5").hexdigest())


def start(make_merpati, files, users=(), services=(), has_line=True, **main):
    if shutil.which("saslpasswd2") is None:
        pytest.skip("Debian's package sasl2-bin is not installed")
    mail = make_merpati(main={**SETTINGS, **main}, services=list(services))
    if not has_line:
        mail.master = re.sub(r"^sasl .*\n", "", mail.master, flags=re.M)
    folder = mail.path("sasl")
    folder.mkdir(mode=0o755)
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text.format(folder=folder))
    mail.set(cyrus_sasl_config_path=folder)
    for user in users:
        name, _, realm = user.partition("@")
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", folder / "sasldb2", "-u", realm or "mail.example.test", name], input=PASSWORD.encode(), check=True)
        (folder / "sasldb2").chmod(0o644)
    return mail.start()


def talk(mail, *lines):
    said = []
    with mail.smtp() as client:
        client.hello()
        for line in lines:
            said.append(client.command(line(said[-1]) if callable(line) else line).text)
    return said


def announced(mail):
    with mail.smtp() as client:
        return {word for line in client.hello().lines if line[4:].startswith("AUTH ") for word in line[9:].split()}


def test_users_of_sasldb_log_in(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob", "ann@example.test"], smtpd_command_filter="regexp:{{/^(AUTH P.*)/ $$1}}")
    assert announced(mail) == {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
    letter = "MAIL FROM:<a@own.test>"
    for lines, last, user in (([plain("bob")], DONE, "PLAIN, sasl_username=bob"), ([plain("ann@example.test")], DONE, "PLAIN, sasl_username=ann@example.test"),
                              (["AUTH LOGIN", b64("bob"), b64(PASSWORD)], DONE, "LOGIN, sasl_username=bob"),
                              (["AUTH CRAM-MD5", cram("bob")], DONE, "CRAM-MD5, sasl_username=bob"),
                              ([plain("bob", "wrong")], FAILED + "authentication failure", None), ([plain("nobody")], FAILED + "authentication failure", None),
                              (["AUTH CRAM-MD5", b64("bob abc")], None, None), (["AUTH CRAM-MD5", "AAAA"], FAILED + "bad protocol / cancel", None),
                              (["AUTH NOSUCH"], FAILED + "no mechanism available", None), (["AUTH ANONYMOUS eA=="], FAILED + "no mechanism available", None),
                              (["AUTH LOGIN", "*", plain("bob")], DONE, "PLAIN, sasl_username=bob")):
        said = talk(mail, *lines, letter)
        assert said[-1] == "250 2.1.0 Ok" and (last is None or said[-2] == last), (lines, said)
        if last is None:
            assert said[-2].startswith(FAILED)
        if user:
            assert mail.log_line(re.escape(f"client=localhost[127.0.0.1], sasl_method={user}") + "$")
    assert mail.log_line(r"sasl\[\d+\]: warning: SASL authentication failure: Password verification failed$")
    assert mail.log_line(re.escape("warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: authentication failure, sasl_username=bob") + "$")
    # No password gets into the log, whatever is told of commands.
    assert mail.log_line('replacing command "AUTH PLAIN ..." with "AUTH PLAIN ..."$')
    assert not [word for word in (plain("bob"), plain("bob", "wrong")) if word in mail.log_text()]


def test_clients_with_other_mechanisms_log_in(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob@example.test"], smtpd_sasl_local_domain="example.test", smtpd_sasl_security_options="noanonymous, noplaintext")
    assert announced(mail) == {"CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
    for mechanism in ("cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"):
        done = subprocess.run(["msmtp", "-C", "/dev/null", "--host=127.0.0.1", f"--port={mail.port}", "--tls=off", f"--auth={mechanism}", "--user=bob",
                               f"--passwordeval=echo '{PASSWORD}'", "--from=a@own.test", "root@example.test"], input="Subject: x\n\nhello\n",
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert mail.log_line(rf"sasl_method={mechanism.upper()}, sasl_username=bob")
    with smtplib.SMTP("127.0.0.1", mail.port, "c.example") as client:
        assert client.login("bob", PASSWORD)[0] == 235


def test_a_service_may_have_a_file_of_its_own_and_no_master_cf_needs_a_line(make_merpati):
    """A master.cf that was Postfix's has none. The file of that service can be root's alone."""
    port = free_port()
    mail = start(make_merpati, {"smtpd": SASLDB, "other": SASLDB.replace("PLAIN LOGIN", "PLAIN").replace("ANONYMOUS", "")}, ["bob"],
                 services=[f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_sasl_path=other -o smtpd_sasl_security_options="],
                 has_line=False, smtpd_sasl_security_options="")
    assert "sasl " not in (mail.config / "master.cf").read_text()
    if IS_ROOT:
        mail.path("sasl/other.conf").chmod(0o600)
    assert {"LOGIN", "ANONYMOUS"} <= announced(mail)
    assert talk(mail, "AUTH ANONYMOUS eA==", "MAIL FROM:<a@own.test>", "RCPT TO:<q@else.test>") == [
        DONE, "250 2.1.0 Ok", "454 4.7.1 <q@else.test>: Relay access denied"]
    mail.wait_for_port(port)
    mail.port = port
    assert announced(mail) == {"PLAIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}
    assert talk(mail, plain("bob")) == [DONE]
    assert {path.name for path in (mail.queue / "private").glob("sasl*")} == {"sasl", "sasl-other"}


def test_a_check_tells_of_a_file_that_is_not_there(make_merpati):
    mail = make_merpati(main=SETTINGS, services=["127.0.0.1:2500 inet n - n - - smtpd -o smtpd_sasl_path=other"])
    (mail.config / "sasl").mkdir()
    (mail.config / "sasl" / "smtpd.conf").write_text("mech_list: PLAIN\n")
    told = mail.control("check").stderr
    assert f"smtpd_sasl_path: there is no other.conf in {mail.config}/sasl:/etc/postfix/sasl:/etc/sasl2:/usr/lib/sasl2: Cyrus SASL takes its defaults" in told
    assert "smtpd.conf" not in told
    mail.set(smtpd_sasl_path="private/auth", cyrus_sasl_config_path=mail.config / "sasl")
    told = mail.control("check").stderr
    assert 'smtpd_sasl_path: "private/auth" is no name of a Cyrus SASL configuration file: nobody can log in; a path is for smtpd_sasl_type = dovecot' in told
    assert f"there is no other.conf in {mail.config}/sasl: " in told


def test_a_changed_file_is_in_force_soon(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"])
    assert "LOGIN" in announced(mail)
    mail.path("sasl").joinpath("smtpd.conf").write_text(SASLDB.format(folder=mail.path("sasl")).replace("PLAIN LOGIN", "PLAIN"))
    wait_until(lambda: "LOGIN" not in announced(mail), lambda: f"another list of mechanisms; log:\n{mail.tail()}")
    assert talk(mail, "AUTH LOGIN", plain("bob")) == [FAILED + "no mechanism available", DONE]


def test_who_takes_his_time_keeps_nobody_out(make_merpati):
    """As many clients as smtpd has room for, but one, are in the midst of AUTH, all of them in one process: that one logs in as ever."""
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"], services=["sasl unix - - n - 1 sasl"], default_process_limit="61", smtpd_client_connection_count_limit="0")
    crowd = [mail.smtp() for _ in range(60)]
    try:
        for client in crowd:
            client.hello()
            assert client.command("AUTH LOGIN").text == "334 VXNlcm5hbWU6"
        assert talk(mail, plain("bob")) == [DONE]
        for client in crowd[::10]:
            assert client.commands(b64("bob"), b64(PASSWORD)) == ["334 UGFzc3dvcmQ6", DONE]
        assert len(mail.pids("sasl")) == 1
    finally:
        for client in crowd:
            client.close()


class Saslauthd:
    """Speaks as saslauthd does: four strings with their lengths in, OK or NO out; not before as many as `together` have asked."""

    def __init__(self, path, together=1):
        self.asked = []
        self.says = None  # bytes, instead
        self.barrier = threading.Barrier(together)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with client, client.makefile("rwb") as stream:
            words = [stream.read(int.from_bytes(stream.read(2), "big")).decode() for _ in range(4)]
            if not any(words):
                return  # a check, which says nothing
            self.barrier.wait(PATIENCE)
            self.asked.append(words)
            answer = b"OK" if words[1] == PASSWORD else b"NO"
            if self.says is not None:
                stream.write(self.says)
                return
            stream.write(len(answer).to_bytes(2, "big") + answer)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def test_saslauthd_is_asked(make_merpati):
    conf = "pwcheck_method: saslauthd\nsaslauthd_path: {folder}/mux\nmech_list: PLAIN LOGIN\n"
    mail = start(make_merpati, {"smtpd": conf}, smtpd_sasl_service="submission")
    assert announced(mail) == {"PLAIN", "LOGIN"}
    assert talk(mail, plain("bob"), "MAIL FROM:<a@own.test>") == [TROUBLE, "250 2.1.0 Ok"]
    assert mail.log_line(re.escape("warning: localhost[127.0.0.1]: SASL PLAIN authentication failed: generic failure, sasl_username=bob") + "$")
    assert f"{mail.path('sasl')}/smtpd.conf: saslauthd does not listen at {mail.path('sasl')}/mux now: nobody can log in; if it has" in mail.control("check").stderr
    daemon = Saslauthd(mail.path("sasl") / "mux")
    try:
        assert "saslauthd" not in mail.control("check").stderr
        if IS_ROOT:
            (mail.path("sasl") / "mux").chmod(0o660)
            assert f"merpati-sasl cannot connect to saslauthd at {mail.path('sasl')}/mux: nobody can log in; on Debian: adduser" in mail.control("check").stderr
            (mail.path("sasl") / "mux").chmod(0o666)
        assert talk(mail, plain("bob"), plain("bob")) == [DONE, "503 5.5.1 Error: already authenticated"]
        assert talk(mail, plain("ann@example.test", "wrong")) == [FAILED + "authentication failure"]
        assert [words[0] for words in daemon.asked] == ["bob", "ann"] and daemon.asked[1][3] == "example.test"
        assert daemon.asked[0][2] == "submission"
        for daemon.says in (b"", b"\0", b"\0\2", b"\0\0", b"\xff\xffOK", b"\0\2ok", b"\0\7NO\0 why", b"\0\1O", bytes(range(256)) * 300):
            said, = talk(mail, plain("bob"))
            assert said in (TROUBLE, FAILED + "authentication failure"), daemon.says
        daemon.says = None
        assert talk(mail, plain("bob")) == [DONE]
    finally:
        daemon.stop()


def test_a_slow_back_end_is_asked_by_many_at_once(make_merpati):
    """It answers when ten ask, of one process that asks it in threads."""
    conf = "pwcheck_method: saslauthd\nsaslauthd_path: {folder}/mux\nmech_list: PLAIN LOGIN\n"
    mail = start(make_merpati, {"smtpd": conf}, services=["sasl unix - - n - 1 sasl"])
    daemon = Saslauthd(mail.path("sasl") / "mux", together=10)
    clients = [mail.smtp() for _ in range(10)]
    try:
        for client in clients:
            client.hello()
            client.line(plain("bob"))
        assert [client.reply().text for client in clients] == [DONE] * 10
    finally:
        daemon.stop()
        for client in clients:
            client.close()


# What is said, and what is answered (None: a challenge).
BAD = {
    "a megabyte at once": (["AUTH PLAIN " + "A" * 1000000], [FAILED]),
    "a megabyte later": (["AUTH LOGIN", "A" * 1000000], [None, "500 5.5.6 SASL response limit exceeded"]),
    "garbage": (["AUTH PLAIN !!!!", "AUTH PLAIN AAA", "AUTH PLAIN ===="], [FAILED] * 3),
    "garbage later": (["AUTH SCRAM-SHA-256", "%%%"], [None, FAILED]),
    "base64 of garbage": ([f"AUTH {name} " + b64(bytes(range(256))) for name in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256")], [FAILED] * 3),
    "base64 of garbage later": (["AUTH CRAM-MD5", b64(bytes(range(256))), "AUTH DIGEST-MD5", b64(bytes(range(256)))],
                                [None, TROUBLE, None, FAILED]),  # an empty name: Cyrus SASL's own word for it
    "nothing": (["AUTH PLAIN =", "AUTH LOGIN", "", "", "AUTH CRAM-MD5", ""], [FAILED, None, None, TROUBLE, None, FAILED]),
    "broken off": (["AUTH DIGEST-MD5", "*", "AUTH SCRAM-SHA-1", "*"], [None, "501 5.7.0 Authentication aborted"] * 2),
    "another in the middle": (["AUTH CRAM-MD5", "AUTH PLAIN AAAA", "AUTH LOGIN", b64("bob"), plain("bob")], [None, FAILED, None, None, FAILED]),
    "what begins with an answer, without one": (["AUTH SCRAM-SHA-1", b64("n,,n=bob,r=abcdefgh"), b64("c=biws,r=x,p=AAAA")], [None, None, FAILED]),
    "a long name": (["AUTH PLAIN " + b64("\0" + "b" * 8000 + "\0x")], [FAILED]),
    "zeros": (["AUTH PLAIN " + b64(bytes(3)), "AUTH PLAIN " + b64(bytes(900))], [FAILED] * 2),
}


def test_what_clients_say_badly_is_refused_and_another_try_is_as_good_as_ever(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"], services=["sasl unix - - n - 1 sasl"])
    assert talk(mail, plain("bob")) == [DONE]
    pid = mail.pids("sasl")
    for name, (lines, expected) in BAD.items():
        said = talk(mail, *lines, "NOOP", plain("bob"))
        assert said[-2:] == ["250 2.0.0 Ok", DONE], (name, said)
        for text, wanted in zip(said, expected):
            assert text.startswith(wanted or "334 "), (name, said)
    assert mail.pids("sasl") == pid


def test_a_service_that_dies_costs_its_exchanges_and_no_more(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"])
    with mail.smtp() as client:
        client.hello()
        assert client.command("AUTH LOGIN").code == 334
        assert mail.kill("sasl")
        assert client.command(b64("bob")).text == "454 4.7.0 Temporary authentication failure: Connection lost to authentication server"
        wait_until(lambda: client.command(plain("bob")).text == DONE, "a new one")
    assert mail.log_line(r"warning: SASL: authentication service 'private/sasl': ")


def test_who_breaks_the_protocol_of_the_service_is_told_and_left(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"])
    hello = "VERSION\t1\t0\nAPPLICATION\tsmtpd\tsmtp\t\nCPID\t7\n"
    for text, line in (("AUTH\t1\tPLAIN\n", "AUTH"), (hello + "CONT\t1\tAAAA\n", "CONT"), (hello + hello, "APPLICATION"), (hello + "CPID\t8\n", "CPID"),
                       (hello + "AUTH\tx\tPLAIN\n", "AUTH"), (hello + "AUTH\t1\tPLAIN\nCONT\t2\tAAAA\n", "CONT"),
                       ("A" * 200000, "a line without its end")):
        with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
            client.connect(str(mail.queue / "private" / "sasl"))
            client.settimeout(PATIENCE)
            with contextlib.suppress(OSError):
                client.sendall(text.encode())
            with contextlib.suppress(ConnectionError):
                answers.read()
        mail.wait_log(re.escape(f"warning: a client of this service broke the protocol: {line}") + "$")
    with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
        client.connect(str(mail.queue / "private" / "sasl"))
        client.sendall(hello.replace("smtpd", "other").encode())
        assert answers.read() == b""
    mail.wait_log(r'warning: smtpd_sasl_path: "other" is not what this service has read: "smtpd"; it must be a name of a configuration file, in main.cf or in a '
                  r"-o of master.cf$")
    assert talk(mail, plain("bob")) == [DONE]


def test_the_service_has_a_user_of_its_own_and_needs_it(make_merpati):
    mail = start(make_merpati, {"smtpd": SASLDB}, ["bob"], sasl_owner="merpati-net")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(mail.queue / "private" / "sasl"))
        assert mail.log_line(r"sasl_owner = merpati-net: it must be another user than root, mail_owner, net_owner and map_owner")
