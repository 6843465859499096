# SPDX-License-Identifier: Apache-2.0
"""Programs that people send mail with log in, by each mechanism they have: a table of programs, mechanisms and back ends."""

import base64
import contextlib
import hmac
import re
import shutil
import smtplib
import subprocess

import pytest
from support import kerberos
from support.certificates import Authority, client_context
from support.dovecot_auth import PASSWORD, DovecotAuth, token, why_not
from support.instance import Merpati
from support.waiting import free_port

MECHANISMS = {"dovecot": {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"},
              "cyrus": {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "GSSAPI"}}
CLIENTS = {"swaks": ("PLAIN", "LOGIN", "CRAM-MD5"), "curl": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "OAUTHBEARER", "GSSAPI"),
           "smtplib": ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"), "openssl": ("PLAIN", "LOGIN", "CRAM-MD5"),
           "msmtp": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2", "GSSAPI")}
ROWS = [(server, client, mechanism) for server in MECHANISMS for client in CLIENTS for mechanism in CLIENTS[client] if mechanism in MECHANISMS[server]]
ROWS.remove(("dovecot", "curl", "DIGEST-MD5"))  # curl takes no empty realm (and with a token OAUTHBEARER, whatever it is told)
SASLDB = """pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb2
keytab: {folder}/keytab
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256 GSSAPI
"""
LETTER = "Subject: hello\n\nhello\n"


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Place:
    """The server that all of them log in at, by its two ports."""

    def __init__(self, mail, ports, realm):
        self.mail = mail
        self.ports = ports
        self.realm = realm
        self.letter = mail.write("letter", LETTER)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    for reason in (why_not(), kerberos.why_not(), None if shutil.which("saslpasswd2") else "Debian's package sasl2-bin is not installed"):
        if reason:
            pytest.skip(reason)
    ports = {"dovecot": free_port(), "cyrus": free_port()}
    words = {"dovecot": "-o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth", "cyrus": ""}
    mail = Merpati(main={"smtpd_sasl_auth_enable": "yes", "myhostname": "localhost", "smtpd_sasl_local_domain": "example.test", "mydestination": "",
                         "mynetworks": "127.0.0.9", "default_transport": "discard", "smtpd_tls_security_level": "may",
                         "smtpd_tls_chain_files": Authority(tmp_path_factory.mktemp("keys")).issue("mail")},
                   services=[f"127.0.0.1:{port} inet n - n - - smtpd {words[name]}" for name, port in ports.items()])
    folder = mail.path("sasl")
    folder.mkdir(mode=0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(mail.finish)
        realm = kerberos.Kerberos(["smtp/localhost"])
        stack.callback(realm.stop)
        shutil.copy(realm.keytab, folder / "keytab")
        (folder / "smtpd.conf").write_text(SASLDB.format(folder=folder))
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", folder / "sasldb2", "-u", "example.test", "bob"], input=PASSWORD.encode(), check=True)
        for name in ("sasldb2", "keytab"):
            (folder / name).chmod(0o644)
        mail.set(cyrus_sasl_config_path=folder)
        mail.start()
        stack.callback(DovecotAuth(mail.queue / "private" / "auth", free_port()).stop)
        for port in ports.values():
            mail.wait_for_port(port)
        yield Place(mail, ports, realm)


def run(place, words, **options):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, env=place.realm.environment, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def swaks(place, port, mechanism):
    run(place, ["swaks", "--server", f"127.0.0.1:{port}", "--from", "s@own.test", "--to", "z@else.test", "--helo", "c.example", "--auth", mechanism,
                "--auth-user", "bob", "--auth-password", PASSWORD])


def curl(place, port, mechanism):
    secret = ["--oauth2-bearer", token("bob"), "--user", "bob:"] if mechanism in ("OAUTHBEARER", "XOAUTH2") else \
        ["--user", f"bob@{kerberos.REALM}:"] if mechanism == "GSSAPI" else ["--user", f"bob:{PASSWORD}"]
    run(place, ["curl", "-sS", *secret, "--login-options", f"AUTH={mechanism}", "--mail-from", "s@own.test", "--mail-rcpt", "z@else.test",
                f"smtp://localhost:{port}/c.example", "--upload-file", place.letter])


def msmtp(place, port, mechanism):
    secret = token("bob") if mechanism in ("OAUTHBEARER", "XOAUTH2") else PASSWORD
    run(place, ["msmtp", "-C", "/dev/null", "--host=localhost", f"--port={port}", "--tls=off", f"--auth={mechanism.lower()}", "--user=bob",
                f"--passwordeval=echo '{secret}'", "--from=s@own.test", "z@else.test"], input=LETTER)


def smtplib_(place, port, mechanism):
    def answer(challenge=None):
        if mechanism == "XOAUTH2":
            return f"user=bob\1auth=Bearer {token('bob')}\1\1"
        return getattr(client, "auth_" + mechanism.lower().replace("-", "_"))(challenge)

    with smtplib.SMTP("127.0.0.1", port, "c.example") as client:
        client.starttls(context=client_context())
        client.ehlo()
        client.user, client.password = "bob", PASSWORD
        assert client.auth(mechanism, answer)[0] == 235
        client.sendmail("s@own.test", ["z@else.test"], LETTER)


def openssl(place, port, mechanism):
    """By hand, as HOWTOs have it."""
    answers = {"PLAIN": [lambda _: b64(f"\0bob\0{PASSWORD}")], "LOGIN": [lambda _: b64("bob"), lambda _: b64(PASSWORD)],
               "CRAM-MD5": [lambda challenge: b64("bob " + hmac.new(PASSWORD.encode(), base64.b64decode(challenge), "md5").hexdigest())]}[mechanism]
    with subprocess.Popen(["openssl", "s_client", "-quiet", "-crlf", "-starttls", "smtp", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        def say(line, code):
            client.stdin.write(line + "\n")
            client.stdin.flush()
            reply = client.stdout.readline()
            while reply[3:4] == "-" or reply == "250 CHUNKING\n" and code != "250":
                reply = client.stdout.readline()
            assert reply.startswith(code), (line, reply)
            return reply[4:].strip()

        say("EHLO c.example", "250")
        challenge = say(f"AUTH {mechanism}", "334")
        for answer in answers:
            challenge = say(answer(challenge), "235" if answer is answers[-1] else "334")
        say("MAIL FROM:<s@own.test>", "250")
        say("RCPT TO:<z@else.test>", "250")
        say("DATA", "354")
        say(LETTER + ".", "250")
        say("QUIT", "221")


@pytest.mark.parametrize("server,client,mechanism", ROWS)
def test_programs_log_in(place, server, client, mechanism):
    mail = place.mail
    line = rf"client=localhost\[[0-9.:a-f]+\], sasl_method={mechanism}, sasl_username={'bob@(example.test|EXAMPLE.TEST)' if server == 'cyrus' else 'bob'}$"
    before = len(re.findall(line, mail.log_text(), re.M))
    {"swaks": swaks, "curl": curl, "msmtp": msmtp, "smtplib": smtplib_, "openssl": openssl}[client](place, place.ports[server], mechanism)
    mail.wait_log(line, before + 1)


def test_our_own_client_logs_in_by_each_mechanism(place, make_merpati):
    """By the strongest that is left, where no filter says another; all at one time."""
    rows = [(server, mechanism) for server, names in MECHANISMS.items() for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
            if mechanism in names]
    routes = "".join(f"{{{mechanism}.{server}.test = {mechanism}:[localhost]:{place.ports[server]}}}, " for server, mechanism in rows)
    passwords = "".join(f"{{[localhost]:{port} = bob:{PASSWORD}}}, " for port in place.ports.values())
    mail = make_merpati(main={"transport_maps": f"inline:{{{routes.lower()}}}", "smtp_sasl_auth_enable": "yes", "smtp_sasl_security_options": "noanonymous",
                              "smtp_sasl_password_maps": f"inline:{{{passwords}}}", "smtp_host_lookup": "native"},
                        services=[f"{name.lower()} unix - - n - - smtp -o smtp_sasl_mechanism_filter={name}" for name in {mechanism for _, mechanism in rows}]).start()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("own@own.test", [f"x@{mechanism}.{server}.test" for server, mechanism in rows], LETTER).code == 250
    mail.wait_empty()
    assert len(re.findall("status=sent", mail.log_text())) == len(rows)
    place.mail.wait_log("from=<own@own.test>", len(rows))
    log = place.mail.log_text()
    ours = set(re.findall(r"(\w+): from=<own@own\.test>", log))
    logins = sorted(found[1:] for found in re.findall(r"(\w+): client=\S+, sasl_method=(\S+), sasl_username=(\S+)$", log, re.M) if found[0] in ours)
    assert logins == sorted((mechanism, "bob@example.test" if server == "cyrus" else "bob") for server, mechanism in rows)
