# SPDX-License-Identifier: Apache-2.0
"""A stranger's domain does not say how many questions the DNS is asked."""

import pytest
from support.own_names import own_names
from support.waiting import wait_until


@pytest.fixture
def start(make_merpati):
    servers = []

    def start_one(prepare, restrictions):
        mail = make_merpati(main={"smtpd_recipient_restrictions": restrictions, "smtpd_relay_restrictions": "permit",
                                  "smtpd_peername_lookup": "no", "inet_protocols": "ipv4",
                                  "smtpd_soft_error_limit": "1000", "smtpd_hard_error_limit": "1000"})
        servers.append(own_names(mail))
        prepare(servers[-1])
        return mail.start(), servers[-1]

    yield start_one
    for server in servers:
        server.stop()


def test_of_two_thousand_mail_exchangers_a_hundred_are_looked_at(start):
    def prepare(names):
        for kind in ("many", "bad"):
            for i in range(2000):
                names.add(f"{kind}.test", "MX", f"{i} h{i}.{kind}.test.")

    mail, names = start(prepare, "check_sender_mx_access inline:{ {h99.bad.test = REJECT bad}, {h100.many.test = REJECT hidden} }, reject")
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@many.test>")
        assert client.command("RCPT TO:<r@ours.test>").lines == [
            "450 4.7.1 <s@many.test>: Sender address rejected: Domain has too many mail exchangers"]
        assert len({name for name, _ in names.queries if name.endswith(".many.test")}) == 100
        client.command("RSET")
        client.command("MAIL FROM:<s@bad.test>")
        assert client.command("RCPT TO:<r@ours.test>").lines[0] == "554 5.7.1 <s@bad.test>: Sender address rejected: bad"


def test_twenty_questions_at_a_time_are_foreseen(start):
    def prepare(names):
        for i in range(30):
            names.fail(f"d{i}.slow.test", "TIMEOUT")

    mail, names = start(prepare, "reject_unknown_sender_domain, check_recipient_mx_access inline:{x=REJECT}, reject")

    def slow():
        return {name for name, _ in names.queries if name.endswith(".slow.test")}

    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@nowhere.test>")
        for i in range(30):
            client.command(f"RCPT TO:<r@d{i}.slow.test>")
        wait_until(lambda: len(slow()) >= 20, "twenty questions")
        assert len(slow()) == 20
        client.command("QUIT")
    mail.wait_log(r"disconnect from unknown.*quit=1")
