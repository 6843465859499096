# SPDX-License-Identifier: Apache-2.0
"""Table types in loadable modules: dynamicmaps.cf, what is refused, and that services use them."""

import os

import pytest
from support.instance import BUILD

MODULE = BUILD / "tests" / "example-table.so"


@pytest.fixture
def with_modules(make_merpati):
    mail = make_merpati()
    modules = mail.path("modules")
    (modules / "dynamicmaps.cf.d").mkdir(parents=True)

    def write(text, name="dynamicmaps.cf"):
        (modules / name).write_text(text)
        (modules / name).chmod(0o644)

    mail.modules = write
    mail.set(meta_directory=modules, shlib_directory=MODULE.parent)
    mail.write_config()
    return mail


def ask(mail, key, table):
    done = mail.command("postmap", "-q", key, table, check=False)
    return done.returncode, done.stdout, done.stderr


def test_types_are_listed_and_asked(with_modules):
    mail = with_modules
    mail.modules(f"# comment\n\nexample example-table.so example_table\nserver {MODULE} example_server made_by_nothing\npcre postfix-pcre.so x\n")
    mail.modules("more example-table.so example_table\nexample other.so other\n", "dynamicmaps.cf.d/more")
    done = mail.command("postconf", "-m")
    assert {"example", "server", "more", "pcre", "hash"} <= set(done.stdout.split())
    assert done.stdout.split() == sorted(set(done.stdout.split()))
    assert 'ignoring duplicate entry for "example"' in done.stderr
    assert ask(mail, "Key", "example:word")[:2] == (0, "word(key)\n")
    assert ask(mail, "Key", "server:word")[:2] == (0, "word(Key)\n")
    assert ask(mail, "absent", "more:word")[:2] == (1, "")
    assert "table example:word lookup error: its server is down\n" in ask(mail, "broken", "example:word")[2]
    assert "open database example:closed: it is closed\n" in ask(mail, "a", "example:closed")[2]
    assert ask(mail, "a", "pipemap:{example:b, example:c}")[:2] == (0, "c(b(a))\n")
    done = mail.command("postmap", "example:word", check=False)
    assert "unsupported dictionary type: example does not support bulk-mode creation." in done.stderr


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("bad nowhere.so x", "unsupported dictionary type: bad ("),
        ("bad example-table.so nothing", 'has no "nothing")'),
        ("bad example-table.so example_of_the_future", "is no table module of version 1)"),
        ("bad /usr/lib/postfix/postfix-pcre.so dict_pcre_open", "unsupported dictionary type: bad ("),
        ("other example-table.so example_table", "unsupported dictionary type: bad\n"),
        ("bad example-table.so", "dynamicmaps.cf, line 1: expected"),
    ],
)
def test_what_cannot_be_loaded_is_refused(with_modules, line, complaint):
    with_modules.modules(line + "\n")
    status, out, err = ask(with_modules, "a", "bad:x")
    assert (status, out) == (1, "")
    assert complaint in err
    assert "unsupported dictionary type: bad" in err


def test_files_that_others_can_write_are_skipped(with_modules):
    mail = with_modules
    mail.modules("example example-table.so example_table\n")
    os.chmod(mail.path("modules") / "dynamicmaps.cf", 0o666)
    _, _, err = ask(mail, "a", "example:x")
    assert "dynamicmaps.cf: file is owned or writable by non-root users -- skipping this file" in err
    assert "unsupported dictionary type: example\n" in err


def test_services_use_them(with_modules, sink):
    """cleanup has the module asked by proxymap, whole keys only; smtpd has its own."""
    mail = with_modules
    target = sink()
    mail.modules("example example-table.so example_table\nserver example-table.so example_server\n")
    mail.set(
        relayhost=f"[127.0.0.1]:{target.port}",
        virtual_alias_domains="virtual.test",
        virtual_alias_maps="pipemap:{inline:{alias@virtual.test=x, broken@virtual.test=broken}, server:y@there.test}",
        smtpd_recipient_restrictions="check_sender_access pipemap:{inline:{bad@example.org=broken}, example:x}, permit",
    )
    mail.start()
    with mail.smtp() as client:
        client.hello()
        client.deliver("s@example.org", ["alias@virtual.test"], b"Subject: x\r\n\r\nhello\r\n")
        assert client.commands("MAIL FROM:<bad@example.org>", "RCPT TO:<alias@virtual.test>")[-1].startswith("451 ")
        client.command("RSET")
        assert client.commands("MAIL FROM:<s@example.org>", "RCPT TO:<broken@virtual.test>")[-1].startswith("451 ")
    target.wait_for(1)
    mail.wait_log(r"to=<y@there\.test>, orig_to=<alias@virtual\.test>, .*status=sent")
    mail.wait_log(r"warning: .*check_sender_access.*table example:x lookup error: its server is down")
    mail.wait_log(r"warning: .*virtual_alias_maps.*table server:y@there\.test lookup error: its server is down")


def test_a_type_of_another_package_is_named_with_it_wherever_it_is_wanted(make_merpati, account, tmp_path):
    mail = make_merpati(main={"virtual_alias_maps": "mysql:/etc/sql.cf", "alias_maps": "proxy:ldap:/etc/ldap.cf", "local_recipient_maps": ""})
    wanted = "unsupported dictionary type: mysql: install the package merpati-mysql\n"
    assert wanted in mail.command("postmap", "-q", "x", "mysql:/etc/sql.cf", check=False).stderr
    assert wanted in mail.command("postmap", "mysql:/etc/sql.cf", check=False).stderr
    assert wanted in mail.command("postmap", "-d", "x", "mysql:/etc/sql.cf", check=False).stderr
    told = mail.control("check", check=False).stderr
    assert "virtual_alias_maps: mysql:/etc/sql.cf: " + wanted.strip() in told
    assert "unsupported dictionary type: ldap: install the package merpati-ldap" in told
    mail.start()
    mail.sendmail("-f", "a@example.com", f"{account}@localhost", input="Subject: x\n\nx\n")
    mail.wait_log(r"cleanup\[\d+\]: .*" + wanted.strip())
