# SPDX-License-Identifier: Apache-2.0
"""
Dialogues that other mail systems test themselves with, played against stock Postfix and against Merpati: every
expectation that stock meets, Merpati meets; where logging in and TLS are played, every reply is stock's. The dialogues are read from
the directory MERPATI_VECTORS names, or from shared/vectors beside the source tree; they are no part of it.
"""

import ast
import contextlib
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from support import chamuyero, james_dialogues, smtpscript
from support.certificates import Authority, client_context
from support.dovecot_auth import DovecotAuth
from support.dovecot_auth import why_not as why_no_dovecot
from support.instance import SOURCE, Merpati, Stock
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port

VECTORS = Path(os.environ.get("MERPATI_VECTORS", SOURCE.parent / "shared" / "vectors"))
MAIN = {
    "mydestination": "$myhostname, localhost, testserver, mydomain.tld",
    "local_recipient_maps": "",
    "smtpd_error_sleep_time": "0",
    "smtpd_timeout": "10s",
    "smtpd_tls_security_level": "may",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_type": "dovecot",
    # The back end takes any mechanism; these are what the dialogues know of.
    "smtpd_sasl_security_options": "noanonymous",
}
STOCK_MAIN = {"smtpd_forbid_bare_newline": "normalize", "smtpd_forbid_unauth_pipelining": "yes"}
USERS = {"user@testserver": "secretpassword", "bob@mydomain.tld": "secret"}
CHASQUID = "smtp-dialog-chasquid"


def script_cases():
    for path in sorted((VECTORS / "smtp-dialog-opensmtpd").glob("test.*")):
        script = smtpscript.Script(path.read_text())
        for case in script.cases:
            yield pytest.param(script, case, id=f"{path.name}: {case.name}")


def files(pattern):
    for path in sorted(VECTORS.glob(pattern)):
        yield pytest.param(path, id=path.name)


class World:
    """Stock and Merpati, each with an entrance in clear, one that takes logins under TLS alone, and one that is TLS from the first byte."""

    def __init__(self, made):
        # The stack of what ends with it.
        directory = Path(made.enter_context(tempfile.TemporaryDirectory()))
        directory.chmod(0o755)
        chain = Authority(directory).issue("mail")
        self.dovecot = DovecotAuth(directory / "auth", free_port(), mechanisms="plain login", users=USERS)
        made.callback(self.dovecot.stop)
        main = {**MAIN, "smtpd_tls_chain_files": chain, "smtpd_sasl_path": f"inet:127.0.0.1:{self.dovecot.port}"}
        self.sides, self.ports = [], []
        for kind, more in ((Stock, STOCK_MAIN), (Merpati, {})):
            instance = kind(main={**main, **more})
            made.callback(instance.finish)
            ports = {"clear": instance.port, "auth_only": free_port(), "tls": free_port(), "lenient": free_port()}
            instance.services += [f"127.0.0.1:{ports['lenient']} inet n - {instance.chroot} - - smtpd -o smtpd_forbid_unauth_pipelining=no",
                                  f"127.0.0.1:{ports['auth_only']} inet n - {instance.chroot} - - smtpd -o smtpd_tls_auth_only=yes",
                                  f"127.0.0.1:{ports['tls']} inet n - {instance.chroot} - - smtpd -o smtpd_tls_wrappermode=yes"]
            instance.write_config()
            instance.start()
            self.sides.append(instance)
            self.ports.append(ports)


@pytest.fixture(scope="module")
def world():
    reason = Stock.why_not() or why_no_dovecot() or (None if VECTORS.is_dir() else f"no dialogues in {VECTORS}")
    if reason:
        pytest.skip(reason)
    with contextlib.ExitStack() as made:
        yield World(made)


def judge(expected, found):
    """Each expectation that stock met."""
    for index, (wanted, is_met) in enumerate(expected):
        if is_met:
            assert index < len(found), f"stock: {wanted}; Merpati was done before"
            assert found[index][1], f"stock: {wanted}; Merpati: {found[index][0]}"


def normal(said):
    return re.sub(r"(queued as )[0-9A-Z]+", r"\1ID", str(said))


@pytest.mark.parametrize("script,case", script_cases())
def test_smtpscript(world, script, case):
    if "skip" in case.flags:
        pytest.skip("the dialogue itself says skip")
    expected, found = (smtpscript.Player(script, ports["clear"]).play(case) for ports in world.ports)
    judge(expected, found)


@pytest.mark.parametrize("path", files(f"{CHASQUID}/**/*.cmy"))
def test_chamuyero(world, path):
    text = path.read_text()
    reason = chamuyero.needs_more_than_smtp(text)
    if reason:
        pytest.skip(reason)
    clear = "auth_only" if "not_tls" in path.name else "clear"
    expected, found = (chamuyero.Player(ports[clear], ports["tls"]).play(text) for ports in world.ports)
    judge(expected, found)
    if "AUTH" in text:
        assert [normal(said) for said, _ in found] == [normal(said) for said, _ in expected]


@pytest.mark.parametrize("path", files("smtp-dialog-james/*.test"))
def test_james(world, path):
    entrance = "clear"
    if "injection" in path.name:
        # Stock looks for what came too early elsewhere; here it takes STARTTLS, and drops what came with it.
        entrance = "lenient"
        replies, _ = james_dialogues.Player(world.ports[1]["clear"]).play(path.read_text())
        assert replies[-1] == ["554 5.5.0 Error: SMTP protocol synchronization"]
    expected, found = (james_dialogues.Player(ports[entrance]).play(path.read_text()) for ports in world.ports)
    assert [normal(reply) for reply in found[0]] == [normal(reply) for reply in expected[0]]
    assert found[1] == expected[1] and any(expected[1])


def corpus_values(path):
    """What a file of a Go fuzzer's corpus has: numbers, bytes and strings."""
    for line in path.read_bytes().decode("utf-8", "surrogateescape").splitlines()[1:]:
        kind, value = re.fullmatch(r"(int|\[\]byte|string)\((.*)\)", line).groups()
        if kind == "int":
            yield int(value)
        else:
            # Written in UTF-8, with \\x for bytes that are none.
            literal = re.sub(r"[^\x00-\x7f]+", lambda m: "".join(f"\\x{b:02x}" for b in m[0].encode("utf-8", "surrogateescape")), value)
            yield ast.literal_eval(f"b{literal}")


def transcript(port, lines, is_tls):
    """All that is answered, a reply a line, to the end of the content once it has begun."""
    said, is_content = [], False
    client = SmtpClient(port, greet=False)
    try:
        if is_tls:
            client.socket = client_context().wrap_socket(client.socket)
        said.append(str(client.reply()))
        for line in lines:
            client.send(line + b"\n")
            if is_content and line != b".":
                continue
            said.append(normal(client.reply()))
            is_content = said[-1].startswith("354")
    except (Disconnected, OSError) as gone:
        said.append(type(gone).__name__)
    finally:
        client.close()
    return said


@pytest.mark.parametrize("path", files(f"{CHASQUID}/internal/smtpsrv/testdata/fuzz/FuzzConnection/*"))
def test_connections_of_a_corpus(world, path):
    mode, text = corpus_values(path)
    expected, found = (transcript(ports["tls" if mode else "clear"], text.removesuffix(b"\n").split(b"\n"), bool(mode)) for ports in world.ports)
    assert found == expected


def test_logins_of_a_corpus(world):
    """What a client answers to 334, all at once: the back end takes its time for each failure."""
    responses = [value for path in sorted(VECTORS.glob(f"{CHASQUID}/internal/auth/testdata/fuzz/FuzzDecodeResponse/*")) for value in corpus_values(path)]
    responses = [value for value in responses if b"\n" not in value]
    assert responses

    def play(side, response):
        lines = [b"EHLO localhost\r", b"AUTH PLAIN\r", response + b"\r", b"AUTH PLAIN " + response + b"\r", b"NOOP\r"]
        return transcript(world.ports[side]["tls"], lines, True)

    with ThreadPoolExecutor(2 * len(responses)) as threads:
        expected, found = (list(said) for said in [threads.map(partial(play, side), responses) for side in (0, 1)])
    assert found == expected
