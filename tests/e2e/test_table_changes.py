# SPDX-License-Identifier: Apache-2.0
"""A changed table of any type is in force without a reload, and no lookup meanwhile sees less than a whole one."""

import os
import threading

from support.waiting import wait_until

INDEXED = ["hash", "btree", "cdb", "lmdb"]
TEXTS = {
    "texthash": "{key}@{type}.test {value}\n",
    "pcre": "/^{key}@{type}\\.test$/ {value}\n",
    "regexp": "/^{key}@{type}\\.test$/ {value}\n",
}
ENTRIES = 5000


def write_tables(directory, value):
    """Each has the key that is asked for at its end. A text is put in its place whole, as careful editors do."""
    for kind in INDEXED:
        lines = [f"filler{n}@{kind}.test OK\n" for n in range(ENTRIES)]
        (directory / kind).write_text("".join(lines) + f"last@{kind}.test {value}\n")
    for kind, form in TEXTS.items():
        new = directory / f"{kind}.new"
        new.write_text("".join(form.format(key=key, type=kind, value=value) for key in ("first", "last")))
        os.replace(new, directory / kind)


def make_tables(mail, directory, value):
    write_tables(directory, value)
    for kind in INDEXED:
        mail.command("postmap", f"{kind}:{directory}/{kind}")


def answers(mail):
    """What a new session is told of each table: {type: reply}."""
    said = {}
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.org>")
        for kind in [*INDEXED, *TEXTS]:
            said[kind] = client.command(f"RCPT TO:<last@{kind}.test>").text
        client.quit()
    return said


def test_a_changed_table_is_in_force_and_never_half_there(make_merpati):
    mail = make_merpati()
    tables = mail.path("tables")
    tables.mkdir()
    tables.chmod(0o755)
    make_tables(mail, tables, "REJECT version-0")
    checks = ", ".join(f"check_recipient_access {kind}:{tables}/{kind}" for kind in [*INDEXED, *TEXTS])
    mail.set(smtpd_recipient_restrictions=f"{checks}, reject_unauth_destination")
    mail.start()
    assert all("version-0" in text for text in answers(mail).values())
    seen, is_done = [], threading.Event()

    def watch():
        while not is_done.is_set():
            seen.append(answers(mail))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for version in range(1, 4):
            make_tables(mail, tables, f"REJECT version-{version}")
        wait_until(lambda: all("version-3" in text for text in answers(mail).values()), lambda: f"the new tables; log:\n{mail.tail()}", 30)
    finally:
        is_done.set()
        watcher.join()
    assert seen
    for said in seen:
        for kind, text in said.items():
            assert "version-" in text, (kind, text)
