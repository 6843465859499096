# SPDX-License-Identifier: Apache-2.0
"""A changed table of any type is in force without a reload, and no lookup meanwhile sees less than a whole one."""

import os
import socket
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


def test_mail_right_behind_newaliases_meets_the_new_aliases(make_merpati, account):
    """Ten times, as one time may be luck. What asks first are cleanup and local, over connections that are open."""
    mail = make_merpati()
    aliases, virtual = mail.path("aliases"), mail.path("virtual")
    mail.set(alias_maps=mail.aliases("none: /dev/null\n"), alias_database=f"hash:{aliases}")
    virtual.write_text("none@example.test none\n")
    mail.command("postmap", f"hash:{virtual}")
    mail.set(virtual_alias_maps=f"hash:{virtual}")
    mail.start()
    mail.sendmail("-f", "a@example.com", account, input="Subject: x\n\nhello\n")
    mail.wait_mailbox(account)
    for n in range(10):
        with aliases.open("a") as file:
            file.write(f"alias{n}: {account}\n")
        with virtual.open("a") as file:
            file.write(f"virtual{n}@example.test alias{n}\n")
        mail.command("postmap", f"hash:{virtual}")
        mail.command("sendmail", "-C", mail.config, "-bi")
        mail.sendmail("-f", "a@example.com", f"virtual{n}@example.test", input="Subject: x\n\nhello\n")
    mail.wait_mailbox(account, 11)
    assert "User unknown" not in mail.log_text() and "status=bounced" not in mail.log_text()


def test_a_connection_right_behind_a_reload_meets_the_new_configuration(make_merpati):
    """With a table that takes its time to read."""
    mail = make_merpati()
    table = mail.write("clients", "".join(f"192.0.2.1:{n} OK\n" for n in range(200_000)))
    mail.set(smtpd_client_restrictions=f"check_client_access texthash:{table}")
    mail.start()
    for n in range(3):
        mail.set(smtpd_banner=f"banner-{n} ESMTP")
        mail.control("reload")
        with mail.smtp() as client:
            assert f"banner-{n}" in client.greeting.text


def test_a_table_is_made_while_services_cannot_be_replaced(make_merpati, account):
    """Waiting has an end, and says that the change is not in force yet."""
    mail = make_merpati()
    mail.set(alias_maps=mail.aliases(f"one: {account}\n"))
    mail.start()
    mail.sendmail("-f", "a@example.com", "one", input="Subject: x\n\nhello\n")
    mail.wait_mailbox(account)
    mail.set(daemon_timeout="nonsense")
    with mail.path("aliases").open("a") as file:
        file.write("two: /dev/null\n")
    # The command itself reads main.cf, too: it gets one that it can read.
    other = mail.path("other")
    other.mkdir()
    text = mail.path("etc/main.cf").read_text().replace("nonsense", "18000s")
    (other / "main.cf").write_text(text)
    done = mail.command("postalias", "-c", other, f"hash:{mail.path('aliases')}")
    mail.set(daemon_timeout="18000s")
    assert "some services could not take up the change yet" in done.stderr


def test_deferred_mail_goes_the_new_way_when_it_is_flushed(make_merpati, sink):
    server = sink()
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        mail = make_merpati(main={"smtp_dns_support_level": "disabled"})
        table = mail.config / "transport"
        mail.set(transport_maps=f"hash:{table}")
        table.write_text(f"example.org smtp:[127.0.0.1]:{deaf.getsockname()[1]}\n")
        mail.command("postmap", f"hash:{table}")
        mail.start()
        mail.sendmail("-f", "s@example.com", "r@example.org", input="Subject: x\n\nx\n")
        wait_until(lambda: "status=deferred" in mail.log_text(), "a message that waits")
        table.write_text(f"example.org smtp:[127.0.0.1]:{server.port}\n")
        mail.command("postmap", f"hash:{table}")
        mail.command("postqueue", "-f")
        server.wait_for(1)


def test_mail_right_behind_a_changed_transport_table_goes_the_new_way(make_merpati, sink):
    """What the queue manager remembers of the old way is forgotten."""
    server = sink()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        dead = held.getsockname()[1]
        mail = make_merpati(main={"smtp_host_lookup": "native"})
        table = mail.write("transport", f"elsewhere.example smtp:[127.0.0.1]:{dead}\n")
        mail.command("postmap", f"hash:{table}")
        mail.set(transport_maps=f"hash:{table}")
        mail.start()
        mail.sendmail("-f", "a@example.com", "b@elsewhere.example", input="Subject: x\n\nx\n")
        mail.wait_log(r"to=<b@elsewhere\.example>, .*status=deferred")
        table.write_text(f"elsewhere.example smtp:[127.0.0.1]:{server.port}\n")
        mail.command("postmap", f"hash:{table}")
        mail.sendmail("-f", "a@example.com", "b@elsewhere.example", input="Subject: y\n\ny\n")
        server.wait_for(1, timeout=20)
