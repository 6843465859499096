# SPDX-License-Identifier: Apache-2.0
"""What the queue manager makes of master.cf: a mistake in it does not stop the mail, and services that are not started are nobody's."""

from support.waiting import wait_until


def test_a_mistake_in_master_cf_does_not_stop_the_queue_manager(merpati, account):
    mail = merpati()
    path = mail.directory / "etc" / "master.cf"
    path.write_text(path.read_text() + "smtp inet\n")
    wait_until(lambda: mail.kill("qmgr"), "a queue manager to kill")
    mail.wait_log(r"qmgr\[\d+\]: warning: .*master.cf.*too few fields")
    mail.sendmail("-f", "a@example.com", f"{account}@localhost", input="Subject: on\n\nx\n")
    assert "Subject: on" in mail.wait_mailbox(account)[0]


def test_a_restarted_queue_manager_asks_nobody_who_was_not_started(merpati, account):
    mail = merpati(services=["uucp unix - n n - - pipe flags=F user=nobody argv=/bin/true"])
    wait_until(lambda: mail.kill("qmgr"), "a queue manager to kill")
    mail.sendmail("-f", "a@example.com", f"{account}@localhost", input="Subject: on\n\nx\n")
    assert "Subject: on" in mail.wait_mailbox(account)[0]
    assert not mail.log_lines("transport uucp")
