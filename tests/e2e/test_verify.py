# SPDX-License-Identifier: Apache-2.0
"""Address verification: replies, log lines and the cache are stock Postfix's, nobody gets a probe, and a broken cache is begun anew."""

import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.side_by_side import make_pair
from support.waiting import wait_until

ACCOUNT = "merpati-test"

MAIN = {
    "smtpd_recipient_restrictions": "reject_unverified_recipient, reject_unauth_destination, permit",
    "smtpd_relay_restrictions": "",
    "smtpd_delay_reject": "no",
    "relay_domains": "relay.test",
    "virtual_alias_maps": "inline:{{both@relay.test=good@relay.test, other@relay.test}, {one@relay.test=good@relay.test}}",
    "address_verify_poll_delay": "1s",
    "address_verify_poll_count": "30",
    "recipient_delimiter": "+",
    "smtpd_error_sleep_time": "0",
    "smtpd_soft_error_limit": "1000",
    "smtpd_hard_error_limit": "1000",
}


def answer_recipient(session, line):
    if "bad@" in line:
        return "550 5.1.1 no such user"
    if "later@" in line:
        return "450 4.2.0 come again"
    return None


def normal(text, side):
    text = side.normal(str(text))
    text = re.sub(r"(conn_use=\d+, )?delay=.*?, dsn", "dsn", text)
    return re.sub(r"\b[0-9A-F]{9,12}\b", "ID", text)


def ask(side, recipient, sender="a@example.com"):
    with side.instance.smtp() as client:
        client.hello()
        return normal(client.commands(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>")[-1], side)


def told(side, since=0):
    """What the agents and the queue manager say, in order of the text."""
    found = re.findall(r"/(?:smtp|local|qmgr|discard|error|verify)\[\d+\]: (.*(?:status=|queue active).*)",
                       side.instance.log_text()[since:])
    return sorted(re.sub(r"size=\d+", "size=N", normal(line, side)) for line in found)


RECIPIENTS = [
    "good@relay.test", "bad@relay.test", "later@relay.test", "both@relay.test", "one@relay.test", f"{ACCOUNT}@example.test",
    "nosuch@example.test", "many@example.test", "file@example.test", "command@example.test", "out@example.test",
    "postmaster@example.test", '"odd user"@relay.test', "GOOD@Relay.Test"]


def test_addresses_are_judged_as_by_stock(make_stock):
    sides = make_pair(MAIN, {"RCPT": answer_recipient})
    try:
        answers = []
        for side in sides:
            mail = side.instance
            mail.set(alias_maps=mail.aliases(f"many: {ACCOUNT}, nosuch\nfile: /dev/null\ncommand: |/bin/true\nout: x@relay.test\n"))
            mail.reload()
            with ThreadPoolExecutor(len(RECIPIENTS)) as pool:
                answers.append(dict(zip(RECIPIENTS, pool.map(lambda recipient: ask(side, recipient), RECIPIENTS))))
            mail.wait_empty()
            assert side.sink.messages == []
            assert mail.mailbox(ACCOUNT) == []
        assert answers[1] == answers[0]
        # An address that stands for several: here each of them has its line, from discard.
        lines = [[line for line in told(side) if "both@relay" not in line and "nrcpt=" not in line] for side in sides]
        assert lines[1] == lines[0]
    finally:
        for side in sides:
            side.finish()


def test_reports_on_addresses_are_as_from_stock(make_stock):
    sides = make_pair(MAIN, {"RCPT": answer_recipient})
    try:
        reports, lines = [], []
        for side in sides:
            mail = side.instance
            mail.set(alias_maps=mail.aliases(f"many: {ACCOUNT}, nosuch\nfile: /dev/null\ncommand: |/bin/true\nout: x@relay.test\n"))
            mail.reload()
            mail.sendmail("-f", ACCOUNT, "-bv", "many", "out", "file", "command", ACCOUNT, "bad@relay.test", "good@relay.test")
            report = mail.wait_mailbox(ACCOUNT)[0]
            mail.wait_empty()
            lines.append([line for line in told(side) if "deliverable" in line])
            # Stock tells of each member of an alias, where here the worst stands for all that it is.
            reports.append(sorted(set(re.findall(r"(?m)^(?:Final-Recipient|Action|Status|Subject): .*", report))))
            assert side.sink.messages == []
        assert lines[1] == lines[0]
        assert reports[1] == reports[0], f"{reports[0]}\n{reports[1]}"
    finally:
        for side in sides:
            side.finish()


@pytest.fixture
def asked(make_merpati, sink):
    """An instance whose relay.test is a sink, not yet started: asked(parameter=value)."""
    def make(**main):
        server = sink(replies={"RCPT": answer_recipient})
        mail = make_merpati(main={**MAIN, "relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native", **main})
        return mail, server

    return make


def rcpt(mail, recipient, sender="a@example.com"):
    with mail.smtp() as client:
        client.hello()
        return str(client.commands(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>")[-1])


def probes(mail):
    return len(mail.log_lines(r"status=(un)?deliverable"))


def test_what_is_known_outlives_the_process(asked):
    mail, server = asked()
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    assert "unverified address: host 127.0.0.1" in rcpt(mail, "bad@relay.test")
    mail.stop()
    assert sorted(re.findall(r"(?m)^(\S+)\t(\d):0:\d+:", mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache").stdout)) \
        == [("bad@relay.test", "2"), ("good@relay.test", "0")]
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    assert rcpt(mail, "bad@relay.test").startswith("450")
    assert probes(mail) == 2
    assert server.messages == []


@pytest.mark.parametrize("damage", ["cut", "garbage", "other"])
def test_a_damaged_cache_is_begun_anew(asked, damage):
    mail, _ = asked()
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    mail.stop()
    path = mail.data / "verify_cache.lmdb"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:5000], "garbage": content[:8192] + b"\xff" * len(content[8192:]), "other": b"text\n" * 9999}[damage])
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    mail.wait_log(r"verify_cache\.lmdb is damaged or unreadable: it is removed, and begun anew")
    assert probes(mail) == 2
    mail.stop()
    assert "good@relay.test" in mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache").stdout


def test_a_cache_that_is_cut_under_the_service_is_begun_anew(asked):
    """What is mapped is gone: verify may die of it, and who asks it then is deferred, or waits for the next."""
    mail, _ = asked()
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    path = mail.data / "verify_cache.lmdb"
    wait_until(lambda: "good@" in mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache", check=False).stdout, "the cache's file")
    mail.complaints = list
    path.write_bytes(b"")
    wait_until(lambda: rcpt(mail, "good@relay.test").startswith("250"), "an answer")
    assert "unverified address: host 127.0.0.1" in rcpt(mail, "bad@relay.test")
    wait_until(lambda: "bad@" in mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache", check=False).stdout, "the cache's file")


def test_a_killed_verify_begins_again_with_what_it_knew(asked):
    mail, _ = asked()
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    wait_until(lambda: "good@" in mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache", check=False).stdout, "the cache's file")
    mail.kill("verify")
    assert rcpt(mail, "good@relay.test").startswith("250")
    assert probes(mail) == 1


def test_without_a_negative_cache_each_question_is_a_probe(asked):
    mail, _ = asked(address_verify_negative_cache="no")
    mail.start()
    for _ in range(2):
        assert "no such user" in rcpt(mail, "bad@relay.test")
    assert probes(mail) == 2


def test_results_expire_and_are_cleaned_up(asked):
    mail, _ = asked(address_verify_negative_expire_time="3s", address_verify_cache_cleanup_interval="2s", address_verify_map="")
    mail.start()
    assert "no such user" in rcpt(mail, "bad@relay.test")
    mail.wait_log(r"verify\[\d+\]: cache internal:verify full cleanup: retained=0 dropped=1 entries")
    assert "no such user" in rcpt(mail, "bad@relay.test")
    assert probes(mail) == 2


def remember(mail, ages):
    """Puts results of so many seconds ago into the cache: {(address, status): age}."""
    now = int(time.time())
    source = mail.data / "verify_cache"
    source.write_text("".join(f"{address} {status}:0:{now - age}:as told then\n" for (address, status), age in ages.items()))
    mail.command("postmap", f"lmdb:{source}")
    shutil.chown(f"{source}.lmdb", mail.command("postconf", "-h", "mail_owner").stdout.strip())


def test_old_results_are_told_and_found_out_anew(asked):
    mail, _ = asked(address_verify_positive_refresh_time="500s", address_verify_negative_refresh_time="600s", default_cache_db_type="hash")
    remember(mail, {("new@relay.test", 0): 100, ("aged@relay.test", 0): 550, ("bad-new@relay.test", 2): 550, ("bad-aged@relay.test", 2): 650})
    mail.start()
    assert rcpt(mail, "new@relay.test").startswith("250")
    assert "as told then" in rcpt(mail, "bad-new@relay.test")
    assert rcpt(mail, "aged@relay.test").startswith("250")
    assert "as told then" in rcpt(mail, "bad-aged@relay.test")
    mail.wait_log(r"to=<aged@relay\.test>.*status=deliverable")
    mail.wait_log(r"to=<bad-aged@relay\.test>.*status=deliverable")
    assert probes(mail) == 2
    assert mail.log_lines(r"hash:.*/verify_cache: a cache is always an lmdb: file")


def test_a_restart_cleans_nothing_before_its_time(asked):
    mail, _ = asked(address_verify_negative_expire_time="500s")
    remember(mail, {("old@relay.test", 2): 600})
    mail.start()
    rcpt(mail, "good@relay.test")
    mail.wait_log(r"full cleanup: retained=\d dropped=1 entries")
    mail.stop()
    assert re.search(r"(?m)^_LAST_CACHE_CLEANUP_COMPLETED_\t\d+$", mail.command("postmap", "-s", f"lmdb:{mail.data}/verify_cache").stdout)
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    mail.stop()
    assert len(mail.log_lines("full cleanup")) == 1


def test_probes_take_ways_of_their_own(asked, sink):
    mail, server = asked()
    other = sink()
    mail.set(address_verify_relayhost=f"[127.0.0.1]:{other.port}", address_verify_transport_maps="inline:{{by@relay.test=error:no way}}",
             address_verify_local_transport="error:not here", address_verify_sender="<>")
    mail.start()
    assert rcpt(mail, "bad@relay.test").startswith("250")
    assert server.sessions == [] and other.sessions[0].mail_line.startswith("MAIL FROM:<>")
    assert "no way" in rcpt(mail, "by@relay.test")
    assert "not here" in rcpt(mail, f"{ACCOUNT}@example.test")


def test_codes_and_reasons_are_the_administrators(asked):
    mail, _ = asked(unverified_recipient_reject_code="550", unverified_recipient_reject_reason="go away",
                    unverified_recipient_defer_code="250", unverified_sender_reject_code="555",
                    smtpd_sender_restrictions="reject_unverified_sender")
    mail.start()
    assert rcpt(mail, "bad@relay.test") == "550 5.1.1 <bad@relay.test>: Recipient address rejected: undeliverable address: go away"
    assert rcpt(mail, "later@relay.test").startswith("250")
    with mail.smtp() as client:
        client.hello()
        assert str(client.command("MAIL FROM:<bad@relay.test>")).startswith("555 5.1.7 <bad@relay.test>: Sender address rejected: undeliverable address: host")


def test_one_question_does_not_wait(asked):
    mail, _ = asked(address_verify_poll_count="1")
    mail.start()
    assert rcpt(mail, "good@relay.test") == \
        "450 4.1.1 <good@relay.test>: Recipient address rejected: unverified address: Address verification in progress"


def test_more_probes_than_allowed_are_put_off(asked):
    mail, server = asked(address_verify_pending_request_limit="1", address_verify_poll_count="1")
    server.replies["GREETING"] = lambda session, line: wait_until(lambda: mail.log_lines("too many address"), "a refusal") and None
    mail.start()
    rcpt(mail, "good@relay.test")
    rcpt(mail, "one@relay.test")
    mail.wait_log(r"to=<.*status=undeliverable \(too many address verification requests\)")


def test_a_probe_may_go_as_far_as_data(asked):
    mail, server = asked(smtp_address_verify_target="data")
    server.replies["DATA"] = ["554 5.7.1 no", None]
    mail.start()
    assert "554 5.7.1 no (in reply to DATA command)" in rcpt(mail, "good@relay.test")
    assert rcpt(mail, "other@relay.test").startswith("250")
    assert server.messages == []


@pytest.mark.skipif(os.geteuid() != 0, reason="delivers with another's rights")
def test_a_probe_leaves_nothing_in_virtual_mailboxes(asked):
    mail, _ = asked(virtual_mailbox_domains="v.test", virtual_mailbox_maps="inline:{a@v.test=a, b@v.test=b/}", virtual_uid_maps="static:65534",
                    virtual_gid_maps="static:65534")
    boxes = mail.path("boxes")
    boxes.mkdir()
    mail.set(virtual_mailbox_base=boxes)
    mail.start()
    assert rcpt(mail, "a@v.test").startswith("250") and rcpt(mail, "b@v.test").startswith("250")
    mail.wait_log(r"to=<a@v\.test>, relay=virtual, .*status=deliverable \(delivers to mailbox\)")
    mail.wait_log(r"to=<b@v\.test>, relay=virtual, .*status=deliverable \(delivers to maildir\)")
    assert list(boxes.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="delivers with another's rights")
def test_a_probe_runs_no_command_of_pipe(asked):
    mail, _ = asked(transport_maps="inline:{relay.test=piped:}")
    mail.services.append(f"piped unix - n n - - pipe flags= user={ACCOUNT} argv=/bin/touch {mail.path('touched')}")
    mail.write_config()
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    mail.wait_log(r"to=<good@relay\.test>, relay=piped, .*status=deliverable \(delivers to command: /bin/touch\)")
    assert not mail.path("touched").exists()


def test_a_cache_is_lmdb_whatever_type_is_asked_for(asked):
    mail, _ = asked(default_cache_db_type="btree")
    mail.start()
    assert rcpt(mail, "good@relay.test").startswith("250")
    mail.wait_log(r"/verify\[\d+\]: warning: btree:\S+/verify_cache: a cache is always an lmdb: file, and this one is \S+/verify_cache\.lmdb$")
    assert (mail.data / "verify_cache.lmdb").exists()
