# SPDX-License-Identifier: Apache-2.0
"""An address that begins with "-" could become an option of a command; it is taken only where allow_min_user says so."""

import pytest

MAIN = {"transport_maps": "inline:{away.test=discard:}", "local_recipient_maps": ""}
COMMANDS = ["MAIL FROM:<-s@away.test>", "MAIL FROM:<>", "RCPT TO:<-x@away.test>", "RCPT TO:<-x@localhost>",
            'RCPT TO:<"-x"@away.test>', "RCPT TO:<-x>", "VRFY -x@away.test", "RCPT TO:<x-@away.test>"]


@pytest.mark.parametrize("allowed", ["no", "yes"])
def test_who_speaks_smtp_hears_what_stock_says(merpati, stock, allowed):
    replies = []
    for instance in (stock(main={**MAIN, "allow_min_user": allowed}), merpati(main={**MAIN, "allow_min_user": allowed})):
        with instance.smtp() as client:
            client.hello()
            replies.append([(command, client.command(command).text) for command in COMMANDS])
    assert replies[1] == replies[0]
    assert ("501" in replies[1][2][1]) == (allowed == "no")


def test_who_submits_gets_it_back(either):
    mail = either(main=MAIN).start()
    mail.sendmail("-f", "", "--", "-x@away.test", "y@away.test", input="Subject: x\n\nx\n")
    mail.wait_log(r"to=<-x@away\.test>, relay=none, .*dsn=5\.1\.3, status=bounced \(bad address syntax\)")
    mail.wait_log(r"to=<y@away\.test>, .*status=sent")


def test_who_submits_may_be_allowed_to(either):
    mail = either(main={**MAIN, "allow_min_user": "yes"}).start()
    mail.sendmail("-f", "", "--", "-x@away.test", input="Subject: x\n\nx\n")
    mail.wait_log(r"to=<-x@away\.test>, .*status=sent")
