# SPDX-License-Identifier: Apache-2.0
"""proxymap looks tables up for others, and only those that proxy_read_maps lists; changed tables are seen without a reload."""

import os
import re

import pytest
from support.waiting import wait_until


def ask(mail, key, table):
    done = mail.command("postmap", "-q", key, table, check=False)
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.mark.sanitized
def test_listed_tables_are_looked_up_and_no_others(make_merpati, run_as):
    mail = make_merpati(run_as=run_as)
    listed = mail.table("listed", "key value\n")
    hidden = mail.table("hidden", "key value\n")
    mail.set(proxy_read_maps=f"proxy:unix:passwd.byname $virtual_alias_maps {hidden}", virtual_alias_maps=f"proxy:{listed}")
    mail.start()
    assert ask(mail, "key", f"proxy:{listed}")[:2] == (0, "value")
    assert ask(mail, "other", f"proxy:{listed}")[:2] == (1, "")
    assert ask(mail, "root", "proxy:unix:passwd.byname")[1].startswith("root:x:0:0:")
    status, out, err = ask(mail, "key", f"proxy:{hidden}")
    assert (status, out) == (1, "")
    assert f'proxymap service is not configured for table "{hidden}"' in err
    mail.wait_log(rf'warning: request for unapproved table: "{re.escape(hidden)}"')
    mail.wait_log(rf"to approve this table for read-only access, list proxy:{re.escape(hidden)} in main\.cf:proxy_read_maps")
    assert ask(mail, "key", "proxy:hash:/etc/shadow")[0] == 1


def test_a_table_that_is_broken_defers(make_merpati):
    mail = make_merpati()
    mail.set(proxy_read_maps="proxy:hash:/nonexistent/table")
    mail.start()
    status, _, err = ask(mail, "key", "proxy:hash:/nonexistent/table")
    assert status == 1
    assert "No such file or directory" in err


def test_without_the_service_the_answer_is_unknown(make_merpati):
    mail = make_merpati()
    status, _, err = ask(mail, "key", "proxy:unix:passwd.byname")
    assert status == 1
    assert "proxy:unix:passwd.byname" in err


def test_a_changed_table_is_seen_without_a_reload(make_merpati):
    mail = make_merpati()
    table = mail.table("map", "key old\n")
    mail.set(proxy_read_maps=f"proxy:{table}")
    mail.start()
    wait_until(lambda: ask(mail, "key", f"proxy:{table}")[1] == "old", "the old value")
    mail.table("map", "key new\n")
    wait_until(lambda: ask(mail, "key", f"proxy:{table}")[1] == "new", lambda: f"the new value; log:\n{mail.tail()}", 30)


def test_changed_aliases_are_seen_without_a_reload(make_merpati, account):
    mail = make_merpati()
    mail.set(alias_maps=mail.aliases("info: /dev/null\n"))
    if os.geteuid() != 0:
        mail.set(alias_maps=mail.aliases("info: no-such-user\n"), local_recipient_maps="")
    mail.start()
    mail.sendmail("-f", "a@example.com", "info", input="Subject: x\n\nhello\n")
    mail.wait_log(r"orig_to=<info>")
    mail.aliases(f"info: {account}\n")

    def arrives():
        mail.sendmail("-f", "a@example.com", "info", input="Subject: x\n\nhello\n")
        return mail.mailbox(account)

    wait_until(arrives, lambda: f"mail by the new alias; log:\n{mail.tail()}", 30)


def test_a_table_is_still_watched_after_a_reload(merpati):
    mail = merpati()
    table = mail.table("map", "key old\n")
    mail.set(proxy_read_maps=f"proxy:{table}")
    mail.reload()
    wait_until(lambda: ask(mail, "key", f"proxy:{table}")[1] == "old", "the old value")
    mail.table("map", "key new\n")
    wait_until(lambda: ask(mail, "key", f"proxy:{table}")[1] == "new", lambda: f"the new value; log:\n{mail.tail()}", 30)


def test_a_table_that_appears_is_seen_without_a_reload(make_merpati):
    mail = make_merpati()
    table = f"hash:{mail.path('later')}"
    mail.set(proxy_read_maps=f"proxy:{table}")
    mail.start()
    assert ask(mail, "key", f"proxy:{table}")[0] == 1
    mail.table("later", "key value\n")
    wait_until(lambda: ask(mail, "key", f"proxy:{table}")[1] == "value", lambda: f"the value; log:\n{mail.tail()}", 30)


def test_proxywrite_changes_what_is_listed(make_merpati):
    mail = make_merpati()
    kept = mail.path("kept")
    kept.mkdir(mode=0o777)
    kept.chmod(0o777)
    (kept / "map").write_text("Key value\nother value\n")
    mail.command("postmap", f"hash:{kept}/map")
    # The tables that it may change are those of the user it runs as.
    (kept / "map.db").chmod(0o666)
    mail.set(proxy_write_maps=f"proxy:hash:{kept}/map", proxy_read_maps=f"proxy:hash:{kept}/map")
    mail.start()
    assert mail.command("postmap", "-d", "KEY", f"proxy:hash:{kept}/map", check=False).returncode == 0
    assert mail.command("postmap", "-d", "KEY", f"proxy:hash:{kept}/map", check=False).returncode == 1
    assert mail.command("postmap", "-s", f"hash:{kept}/map").stdout == "other\tvalue\n"
    done = mail.command("postmap", "-d", "key", "proxy:hash:/etc/unlisted", check=False)
    assert done.returncode == 1
    assert 'proxywrite service is not configured for table "hash:/etc/unlisted"' in done.stderr
    mail.wait_log(r"to approve this table for read-write access, list proxy:hash:/etc/unlisted in main\.cf:proxy_write_maps")


def test_proxywrite_by_another_name(make_merpati):
    mail = make_merpati(services=["changes unix - - n - 1 proxymap"])
    mail.set(proxywrite_service_name="changes")
    mail.start()
    done = mail.command("postmap", "-d", "key", "proxy:hash:/etc/unlisted", check=False)
    assert 'proxywrite service is not configured for table "hash:/etc/unlisted"' in done.stderr
