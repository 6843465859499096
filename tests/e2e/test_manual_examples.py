# SPDX-License-Identifier: Apache-2.0
"""The commands that the manual pages show, run in a mail system: none fails, and none is told that it is wrong."""

import re
import shutil
from pathlib import Path

import pytest
from support.instance import SOURCE

# Whose commands want what a test of their own has: servers of databases, a family of instances, hosts elsewhere, accounts.
ELSEWHERE = {
    "ldap_table.5", "mysql_table.5", "nis_table.5", "pgsql_table.5", "postmulti.1", "posttls-finger.1", "redis_table.5", "sasl.8", "socketmap_table.5",
    "sqlite_table.5", "tcp_table.5",
}
# It stays in the foreground.
ENDLESS = ("merpati start-fg",)
ID = "4BqXkT0pz2zM"


def commands(page):
    """What follows the prompts, a text for each command; a blank line or the next prompt ends it."""
    for block in re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed$", page.read_text()):
        yield from (text.replace("\\e", "\\") for text in re.findall(r"(?m)^[#$] (.*)$", block))


PAGES = [page for page in sorted((SOURCE / "man").glob("*.[158]")) if page.name not in ELSEWHERE and any(commands(page))]


@pytest.fixture
def waiting(make_merpati):
    """A mail system in which a message waits for example.com."""
    mail = make_merpati(main={"defer_transports": "smtp", "fast_flush_domains": "example.com", "alias_database": "hash:$config_directory/aliases"})
    for name in ("access", "canonical", "generic", "relocated", "transport", "users", "virtual"):
        (mail.config / name).write_text("example.com\tsmtp:[127.0.0.1]\n")
    for name in ("header_checks", "body_checks"):
        (mail.config / name).write_text("/win now/ WARN\n")
    (mail.config / "aliases").write_text("postmaster: root\n")
    text = (SOURCE / "man/bounce.5").read_text()
    (mail.config / "bounce.cf").write_text(re.search(r"(?s)\.Bd -literal[^\n]*\n(failure_template = .*?)\.Ed\n", text)[1])
    mail.write("message", "To: you@example.com\nSubject: win now\n\nText\n")
    mail.command("postalias", f"hash:{mail.config}/aliases")
    mail.start()
    return mail


def deferred_message(mail):
    """The id of one; an example before may have removed it."""
    if not mail.queue_ids():
        before = len(mail.log_lines("status=deferred"))
        mail.sendmail("-f", "user@example.com", "you@example.com", input="Subject: x\n\nhello\n")
        mail.wait_log("status=deferred", before + 1)
    return mail.queue_ids()[0]


def expanded(mail, text):
    for old, new in ((ID, deferred_message(mail)), ("/etc/merpati", mail.config), ("/etc/aliases", mail.config / "aliases"),
                     ("/srv/mail/users", mail.config / "users"), ("/var/mail/user", mail.path("mbox"))):
        text = text.replace(str(old), str(new))
    return f"PATH={mail.command_directory}:$PATH; {text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_pages_run(page, waiting):
    if "jq" in page.read_text() and not shutil.which("jq"):
        pytest.skip("jq is not here")
    mbox = Path(waiting.path("mbox"))
    for text in commands(page):
        if text in ENDLESS:
            continue
        mbox.write_text("old mail\n")
        done = waiting.run("/bin/bash", "-c", f"set -o pipefail; {expanded(waiting, text)}", check=False)
        # A check may find something to say of this system, and a rule may not match.
        may_say_no = text.startswith(("merpati check", "postmap -q"))
        assert done.returncode == 0 or (may_say_no and done.returncode == 1), f"{text}: {done.stderr}"
        assert not re.search(r"usage:|fatal:|invalid option", done.stderr), f"{text}: {done.stderr}"
