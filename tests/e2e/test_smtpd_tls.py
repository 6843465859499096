# SPDX-License-Identifier: Apache-2.0
"""TLS in the SMTP server: certificates that change, tickets, names, other people's clients, and what the jail keeps."""

import re
import smtplib
import ssl
import subprocess

import pytest

from support.certificates import Authority, client_context, openssl
from support.instance import IS_ROOT
from support.side_by_side import options
from support.smtp_client import SmtpClient
from support.waiting import free_port, wait_until


class Server:
    """An instance with certificates, and entrances with parameters of their own."""

    def __init__(self, make, directory, entrances=None, **main):
        directory.chmod(0o755)
        self.directory = directory
        self.authority = Authority(directory)
        self.authority.issue("mail")
        self.ports = {}
        self.mail = make(main={
            "smtpd_tls_security_level": "may",
            "smtpd_tls_chain_files": directory / "mail.chain",
            "smtpd_tls_loglevel": 1,
            "service_workers": 1,
            **main,
        })
        (directory / "mail.chain").chmod(0o600)
        if self.mail.run_as:
            subprocess.run(["chown", self.mail.run_as, directory / "mail.chain"], check=True)
        for name, parameters in (entrances or {}).items():
            self.ports[name] = free_port()
            self.mail.services.append(f"127.0.0.1:{self.ports[name]} inet n - {self.mail.chroot} - - smtpd{options(parameters)}")
        self.mail.write_config()
        self.mail.start()

    def s_client(self, *words, port=None):
        """What openssl s_client tells of a session."""
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.mail.port}", "-starttls", "smtp", "-ign_eof", *map(str, words)],
            input="QUIT\r\n", capture_output=True, text=True, timeout=60).stdout

    def subject(self):
        found = re.search(r"(?m)^subject=(.*)$", self.s_client())
        return found.group(1) if found else None


@pytest.fixture
def make_server(make_merpati, tmp_path):
    return lambda *arguments, **main: Server(make_merpati, tmp_path, *arguments, **main)


def test_a_new_certificate_is_in_force_without_a_reload_and_a_bad_one_is_not(make_server):
    server = make_server()
    chain = server.directory / "mail.chain"
    good = chain.read_bytes()
    talking = SmtpClient(server.mail.port)
    assert server.subject() == "CN = mail.example.test"

    chain.write_bytes(b"garbage\n")
    server.mail.wait_log(r"warning: No PEM data in \S+mail.chain")
    server.mail.wait_log(r"certificates that were in force before stay in force")
    assert server.subject() == "CN = mail.example.test"

    server.authority.issue("new", "/CN=new.example.test")
    chain.write_bytes((server.directory / "new.chain").read_bytes())
    wait_until(lambda: server.subject() == "CN = new.example.test", lambda: f"the new certificate\n{server.mail.tail()}")
    assert good != chain.read_bytes()
    # A session of before goes on, with what it began with.
    talking.line("EHLO client.example.test")
    assert talking.reply().code == 250
    talking.line("STARTTLS")
    assert talking.reply().code == 220
    talking.socket = client_context().wrap_socket(talking.socket)
    assert b"mail.example.test" in talking.socket.getpeercert(True)


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's processes keep the user's rights")
def test_the_private_key_is_read_before_rights_go(make_server):
    server = make_server()
    assert (server.directory / "mail.chain").stat().st_mode & 0o777 == 0o600
    assert server.subject() == "CN = mail.example.test"
    for pid in server.mail.pids("smtpd"):
        status = open(f"/proc/{pid}/status").read()
        assert re.search(r"(?m)^Uid:\s+(\d+)", status).group(1) != "0" or server.mail.main.get("net_owner") == "root"


def test_a_ticket_is_good_for_its_service_alone(make_server):
    server = make_server({"other": {}, "never": {"smtpd_tls_session_cache_timeout": "0"},
                          "unencrypted": {"tls_session_ticket_cipher": ""}})
    session = server.directory / "session"
    for version in ("-tls1_3", "-tls1_2"):
        assert "New, TLS" in server.s_client(version, "-sess_out", session)
        assert "Reused, TLS" in server.s_client(version, "-sess_in", session)
        assert "New, TLS" in server.s_client(version, "-sess_in", session, port=server.ports["other"])
        assert "Reused, TLS" in server.s_client(version, "-sess_in", session)
        for entrance in ("never", "unencrypted"):
            assert "TLS session ticket:" not in server.s_client(version, "-sess_out", session, port=server.ports[entrance])


def test_a_client_gets_the_certificate_of_the_name_it_asks_for(make_merpati, tmp_path):
    server = Server(make_merpati, tmp_path)
    for name in ("one", "two"):
        server.authority.issue(name, f"/CN={name}.example.test")
    names = server.mail.path("names")
    names.write_text(f"one.example.test {tmp_path}/one.chain\n.two.example.test {tmp_path}/two.chain\n")
    server.mail.command("postmap", "-c", server.mail.config, "-F", f"hash:{names}")
    (tmp_path / "one.chain").unlink()
    broken = server.mail.table("broken", "one.example.test nonsense!\n")
    port = free_port()
    server.mail.services.append(f"127.0.0.1:{port} inet n - {server.mail.chroot} - - smtpd"
                                + options({"tls_server_sni_maps": broken}))
    server.mail.set(tls_server_sni_maps=f"hash:{names}")
    server.mail.reload()
    server.mail.wait_for_port(port)
    for asked, subject in (("one.example.test", "one"), ("ONE.example.test", "one"), ("a.two.example.test", "two"),
                           ("two.example.test", "mail"), ("three.example.test", "mail")):
        assert f"subject=CN = {subject}.example.test" in server.s_client("-servername", asked)
    assert "subject=CN = mail.example.test" in server.s_client("-noservername")
    server.mail.wait_log(r"TLS connection established from localhost\[127.0.0.1\] to a.two.example.test: TLSv1.3")
    server.mail.wait_log(r"TLS SNI three.example.test from localhost\[127.0.0.1\] not matched, using default chain")
    assert "subject" not in server.s_client("-servername", "one.example.test", port=port)
    server.mail.wait_log(r"tls_server_sni_maps: the value of one.example.test is no base64")


def test_groups_parameters_and_authorities_of_the_system(make_server, tmp_path):
    # The group of 3072 bits is not what OpenSSL would take for this key.
    parameters = tmp_path / "dh.pem"
    parameters.write_bytes(openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe4096"))
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    rsa = Authority(trusted)
    rsa.issue("rsa", kind="rsa")
    rsa.issue("client", "/CN=client.example.test")
    (trusted / f"{openssl('x509', '-in', rsa.certificate, '-noout', '-subject_hash').decode().strip()}.0").write_bytes(
        rsa.certificate.read_bytes())
    config = tmp_path / "openssl.cnf"
    config.write_text("other_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n[defaults]\nMaxProtocol = TLSv1.2\n")
    chain = {"smtpd_tls_chain_files": trusted / "rsa.chain"}
    server = make_server({
        "dh": {**chain, "smtpd_tls_dh1024_param_file": parameters},
        "groups": {"tls_ffdhe_auto_groups": "ffdhe4096"},
        "system": {"smtpd_tls_ask_ccert": "yes", "tls_append_default_CA": "yes"},
        "nobody": {"smtpd_tls_ask_ccert": "yes"},
        "configured": {"tls_config_file": config, "tls_config_name": "other_conf", "smtpd_tls_protocols": "",
                       "smtpd_tls_mandatory_protocols": ""},
    }, import_environment=f"MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C ASAN_OPTIONS UBSAN_OPTIONS SSL_CERT_DIR={trusted}")
    told = server.s_client("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256", port=server.ports["dh"])
    assert "Server Temp Key: DH, 4096 bits" in told
    assert "New, TLSv1.3" in server.s_client("-groups", "ffdhe4096", port=server.ports["groups"])
    shown = ("-cert", trusted / "client.pem", "-key", trusted / "client.key")
    server.s_client(*shown, port=server.ports["system"])
    server.mail.wait_log(r"]: Trusted TLS connection established")
    server.s_client(*shown, port=server.ports["nobody"])
    server.mail.wait_log(r"]: Untrusted TLS connection established")
    assert "New, TLSv1.2" in server.s_client(port=server.ports["configured"])
    assert "New, TLSv1.3" in server.s_client()


def test_other_clients_deliver_by_starttls_and_in_wrapper_mode(make_server, sink, tmp_path):
    place = sink()
    server = make_server({"smtps": {"smtpd_tls_wrappermode": "yes"}}, relayhost=f"[127.0.0.1]:{place.port}", smtp_host_lookup="native")
    port, smtps = server.mail.port, server.ports["smtps"]
    for starts, client in ((True, smtplib.SMTP("127.0.0.1", port, timeout=60)),
                           (False, smtplib.SMTP_SSL("127.0.0.1", smtps, timeout=60, context=client_context()))):
        with client:
            if starts:
                client.starttls(context=client_context())
            client.sendmail("a@example.test", ["b@elsewhere.test"], "Subject: smtplib\n\n" + "x" * 70 + "\n" + "y\n" * 100000)
    to = ("--from", "a@example.test", "--to", "b@elsewhere.test", "--server", "127.0.0.1")
    subprocess.run(["swaks", *to, "--port", str(port), "-tls"], check=True, capture_output=True, timeout=60)
    subprocess.run(["swaks", *to, "--port", str(smtps), "-tlsc"], check=True, capture_output=True, timeout=60)
    message = tmp_path / "message"
    message.write_text("Subject: curl\r\n\r\ntext\r\n")
    for url in (f"smtp://127.0.0.1:{port}", f"smtps://127.0.0.1:{smtps}"):
        subprocess.run(["curl", "-sS", "-k", "--ssl-reqd", "--mail-from", "a@example.test", "--mail-rcpt", "b@elsewhere.test",
                        "-T", message, url], check=True, capture_output=True, timeout=60)
    wait_until(lambda: len(place.messages) == 6, lambda: f"six messages\n{server.mail.tail()}")
    assert all(b"with ESMTPS id" in message.content for message in place.messages)


def test_a_stalled_handshake_and_a_storm_of_nonsense_hold_up_nobody(make_server):
    server = make_server(smtpd_client_connection_count_limit="0")
    stalled = []
    for rest in (b"", b"\x16\x03\x01\x40\x00\x01\x00", b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"\x80" * 300):
        client = SmtpClient(server.mail.port)
        for line in ("EHLO client.example.test", "STARTTLS"):
            client.line(line)
            assert client.reply().code in (220, 250)
        client.send(rest)
        stalled.append(client)
    with smtplib.SMTP("127.0.0.1", server.mail.port, timeout=60) as client:
        client.starttls(context=client_context(version=ssl.TLSVersion.TLSv1_2))
        assert client.noop()[0] == 250
    for client in stalled:
        client.socket.close()
    server.mail.wait_log(r"SSL_accept error from localhost\[127.0.0.1\]: (-1|lost connection)", count=4)


def test_a_handshake_may_come_with_the_header_of_a_proxy(make_server):
    server = make_server({"smtps": {"smtpd_tls_wrappermode": "yes", "smtpd_upstream_proxy_protocol": "haproxy"}})
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(incoming, outgoing)
    client = SmtpClient(server.ports["smtps"], greet=False)
    header = b"PROXY TCP4 192.0.2.9 127.0.0.1 12345 465\r\n"

    def pump(action):
        nonlocal header
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                client.send(header + outgoing.read())
                header = b""
                incoming.write(client.socket.recv(65536))

    pump(tls.do_handshake)
    client.send(outgoing.read())
    assert pump(lambda: tls.read(1000)).startswith(b"220 ")
    tls.write(b"EHLO client.example.test\r\n")
    client.send(outgoing.read())
    assert pump(lambda: tls.read(1000)).startswith(b"250-")
    server.mail.wait_log(r"TLS connection established from unknown\[192.0.2.9\]: TLSv1.3")
