# SPDX-License-Identifier: Apache-2.0
"""soft_bounce: whatever would be returned stays in the queue, whoever it is that would return it."""

import re

import pytest

MAIN = {"soft_bounce": "yes", "relayhost": "[127.0.0.1]:1", "smtp_host_lookup": "native", "notify_classes": ""}


def line(mail, pattern):
    found = mail.wait_log(pattern)[0]
    found = re.sub(r"delay=.*?, dsn", "dsn", re.sub(r"\w+\[\d+\]: \w+: ", "", found))
    return re.sub(r"127\.0\.0\.1\[127\.0\.0\.1\]:\d+", "HOST", found)


@pytest.mark.parametrize("recipient", ["nosuchuser-here@localhost", "x@error.test", "moved@localhost", "x@bad..test", "x@refused.test"])
def test_agents(either, sink, recipient):
    server = sink(replies={"RCPT": "550 5.1.1 no such user"})
    mail = either(main={
        **MAIN,
        "transport_maps": f"inline:{{{{error.test=error:5.7.1 go away}}, {{refused.test=smtp:[127.0.0.1]:{server.port}}}}}",
        "relocated_maps": "inline:{moved@localhost=far@far.test}",
    }).start()
    mail.sendmail("-f", "s@example.com", recipient, input="Subject: x\n\nhello\n")
    mail.wait_log(r"status=SOFTBOUNCE \(.*\)$")
    assert len(mail.queue_ids()) == 1
    assert not mail.log_lines("non-delivery notification")


def test_what_pickup_would_return_stays(either):
    mail = either(main={**MAIN, "hopcount_limit": "3"}).start()
    mail.sendmail("-f", "s@example.com", "a@far.test", input="Received: x\n" * 5 + "Subject: x\n\nhello\n")
    mail.wait_log(r"too many hops|hop count exceeded")
    assert not mail.log_lines("non-delivery notification")
