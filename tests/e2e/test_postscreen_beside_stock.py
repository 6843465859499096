# SPDX-License-Identifier: Apache-2.0
"""The same clients at stock Postfix's postscreen and at ours: what they hear and what the log says is the same. Not
those in DNS lists, which stock judges by what has answered in time."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.instance import Merpati, Stock
from support.side_by_side import options
from support.smtp_client import Disconnected, SmtpClient
from support.waiting import free_port, wait_until

DEEP = {"postscreen_pipelining_enable": "yes", "postscreen_non_smtp_command_enable": "yes", "postscreen_bare_newline_enable": "yes"}
DENIES = {"postscreen_access_list": "cidr:{{127.0.0.0/8 reject}}", "postscreen_denylist_action": "enforce"}


def all_are(action):
    return {**DEEP, **{f"postscreen_{test}_action": action for test in ("greet", "pipelining", "non_smtp_command", "bare_newline")}}


ENTRANCES = {
    "plain": {}, "deep": DEEP, "ignore": all_are("ignore"), "enforce": all_are("enforce"), "drop": all_are("drop"),
    "denies": DENIES, "backup": {**DEEP, "postscreen_allowlist_interfaces": "!127.0.0.1 static:all"},
    "no-teaser": {**DEEP, "postscreen_greet_banner": ""}, "short": {**DEEP, "postscreen_command_count_limit": "2"},
    "words": {**DEEP, "postscreen_helo_required": "yes", "postscreen_disable_vrfy_command": "yes", "postscreen_reject_footer": "\\c. See $client_address"},
    "filter": {**DEEP, "postscreen_command_filter": "pcre:{{/^FOO/ EHLO foo} {/^QUIT/ NOOP}}"}, "forbids": {**DEEP, "postscreen_forbidden_commands": "foo NOOP"},
    "footer": {**DEEP, "postscreen_reject_footer": "One\\nTwo", "postscreen_reject_footer_maps": "pcre:{{/^450 / \\c One\\nTwo} {/^502/ Three}}"},
    "must-tls": {**DEEP, "postscreen_tls_security_level": "encrypt"},
}
EACH = ("deep", "ignore", "enforce", "drop")

HELLO, MAIL, RCPT, QUIT = b"EHLO me.test\r\n", b"MAIL FROM:<a@x.test>\r\n", b"RCPT TO:<root@example.test>\r\n", b"QUIT\r\n"
GREETED = b""  # nothing is sent; what comes is read all the same
WHOLE = [GREETED, HELLO, MAIL, RCPT, QUIT]

# What is sent at once, each followed by one reply; each dialogue then once more as WHOLE, where "known" is seen.
DIALOGUES = {
    "whole": WHOLE,
    "quit": [GREETED, QUIT],
    "no RCPT": [GREETED, HELLO, MAIL, QUIT],
    "RCPT alone": [GREETED, RCPT, QUIT],
    "early": [HELLO, MAIL, RCPT, QUIT],
    "DATA": [GREETED, b"data\r\n"],
    "DATA after MAIL": [GREETED, HELLO, MAIL, b"DATA x\r\n"],
    "BDAT": [GREETED, b"BDAT 5\r\n"],
    "BDAT after RCPT": [GREETED, HELLO, MAIL, RCPT, b"BDAT\r\n"],
    "words": [GREETED, b"HELO\r\n", b"MAIL\r\n", b"MAIL FROM <a@b>\r\n", b"VRFY\r\n", b"VRFY x\r\n", b"ETRN x\r\n", b"ETRN\r\n", b"EXPN x\r\n", b"HELO x y\r\n",
              b"MAIL FROM:\r\n", b"MAIL FROM:<>\r\n", b"RCPT\r\n", b"RCPT TO:\r\n", b"RCPT TO : <a@b>\r\n", b"RCPT TO:a@b x\r\n", b"RSET x\r\n", RCPT, b"quit x\r\n"],
    "unknown": [GREETED, b"FOO x\r\n", b"\r\n", b"NOOP\tx\r\n", b"CONNECT x\r\n", RCPT, QUIT],
    "HTTP": [GREETED, b"GET / HTTP/1.0\r\n", RCPT, QUIT],
    "header": [GREETED, b"foo\r\n", b"Subject:\r\n", RCPT, QUIT],
    "tab": [GREETED, b"\tNOOP\r\n", b"  x: y\r\n", RCPT, QUIT],
    "bare": [GREETED, b"EHLO x\n", MAIL, RCPT, b"QUIT\n"],
    "ahead": [GREETED, b"noop\r\nNOOP\r\n", GREETED, HELLO, MAIL, RCPT, QUIT],
    "unknown ahead": [GREETED, b"foo\r\nNOOP \\\t\xff" + b"x" * 200 + b"\r\n", GREETED, HELLO, MAIL, RCPT, QUIT],
    "long": [GREETED, b"NOOP " + b"x" * 2100 + b"\r\n"],
    "STARTTLS": [GREETED, b"STARTTLS\r\n", HELLO, MAIL, b"NOOP\r\n", b"VRFY x\r\n", b"DATA\r\n", QUIT],
}
# What smtpd says by itself is no matter of this test.
PLAIN = ("whole", "quit", "no RCPT", "early")
CASES = [(entrance, name) for entrance in ENTRANCES for name in DIALOGUES
         if entrance in EACH or name in PLAIN or (entrance, name) in {
             ("denies", "HTTP"), ("denies", "ahead"), ("denies", "words"), ("filter", "unknown"), ("forbids", "unknown"), ("forbids", "bare"), ("forbids", "ahead"), ("footer", "unknown"), ("backup", "ahead"), ("words", "words"), ("must-tls", "STARTTLS"),  ("short", "words")}]


class Visit:
    """All that one client hears, and what the log says of it."""

    def __init__(self, mail, entrance, name, number):
        self.mail = mail
        self.entrance = entrance
        self.source = f"127.44.4.{number}"
        self.heard = []
        self.shown = []
        for dialogue in (DIALOGUES[name], WHOLE):
            self.talk(dialogue)

    def talk(self, dialogue):
        client = SmtpClient(self.mail.ports[self.entrance], source=self.source, greet=False)
        self.shown.append(f"[{self.source}]:{client.socket.getsockname()[1]}")
        try:
            for sent in dialogue:
                client.send(sent)
                self.heard.append(str(client.reply()))
                if sent == HELLO and self.heard[-1].endswith("220 mail.example.test ESMTP"):
                    self.heard.append(str(client.reply()))
        except (Disconnected, ConnectionError):
            self.heard.append("(the end)")
        client.close()
        over = rf"(/postscreen\[\d+\]: DISCONNECT |/smtpd\[\d+\]: disconnect from unknown)\[{re.escape(self.source)}\]"
        said = rf"/postscreen\[\d+\]: (DISCONNECT|PASS|PREGREET) .*{re.escape(self.shown[-1])}"

        def is_over():
            text = self.mail.log_text()
            return len(re.findall(over, text)) >= len(self.shown) and re.search(said, text)

        wait_until(is_over, lambda: f"the end of {self.source}:\n{self.mail.tail()}")

    def account(self):
        """Without what is not the same twice."""
        lines = [re.sub(r"^.*?/postscreen\[\d+\]: ", "", line) for line in self.mail.log_text().splitlines() if "/postscreen[" in line and any(s in line for s in self.shown)]
        text = "\n".join(self.heard + lines).replace(self.source, "SOURCE").replace(f":{self.mail.ports[self.entrance]}", ":HERE")
        return re.sub(r"(\[SOURCE\]):\d+", r"\1", re.sub(r" after [0-9.]+ from", " after SOME from", text))


def visit_all(kind):
    mail = kind(main={"mynetworks": "10.0.0.0/8", "postscreen_greet_wait": "2s", "smtpd_banner": "$myhostname ESMTP", "smtpd_peername_lookup": "no",
                      "smtpd_forbid_unauth_pipelining": "no", "default_process_limit": "500"})
    cache, root = ("btree", "n") if kind is Stock else ("lmdb", "y")
    mail.ports = {name: free_port() for name in ENTRANCES}
    mail.services += [f"smtpd pass - - {root} - - smtpd"]
    if kind is Stock:
        mail.services += ["tlsproxy unix - - n - 0 tlsproxy"]
    for name, parameters in ENTRANCES.items():
        parameters = {"postscreen_carry_on": "no", "postscreen_cache_map": f"{cache}:$data_directory/kept-{name}", **parameters}
        mail.services.append(f"127.0.0.1:{mail.ports[name]} inet n - {root} - 1 postscreen{options(parameters)}")
    mail.write_config()
    mail.start()
    try:
        with ThreadPoolExecutor(50) as pool:
            return {case: visit for case, visit in zip(CASES, pool.map(lambda row: Visit(mail, *row[1], row[0]).account(), enumerate(CASES, 1)))}
    finally:
        mail.finish()


@pytest.fixture(scope="module")
def accounts():
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(visit_all, (Stock, Merpati)))


@pytest.mark.parametrize("entrance, name", CASES)
def test_what_a_client_meets(accounts, entrance, name):
    stock, ours = [account[entrance, name] for account in accounts]
    assert ours == stock
