# SPDX-License-Identifier: Apache-2.0
"""What single settings of delivery and queueing do: each test is played against stock Postfix and against Merpati."""

import re

from support.waiting import free_port, wait_until

DELAYS = r"delay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+"
REFUSED = r"connect to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: Connection refused"


def dead_host():
    return {"relayhost": f"[127.0.0.1]:{free_port()}", "smtp_host_lookup": "native"}


def submit(mail, recipient, sender="s@example.com"):
    mail.sendmail("-f", sender, recipient, input="Subject: x\n\nhello\n")


def test_a_transport_that_is_switched_off_defers(either):
    mail = either(main={"defer_transports": "smtp"}).start()
    submit(mail, "a@else.test")
    mail.wait_log(rf"to=<a@else\.test>, relay=none, {DELAYS}, dsn=4\.3\.2, status=deferred \(deferred transport\)$")


def test_a_transport_that_is_not_there_defers(either):
    mail = either(main={"default_transport": "nosuch:x"}).start()
    submit(mail, "a@else.test")
    mail.wait_log(rf"to=<a@else\.test>, relay=none, {DELAYS}, dsn=4\.3\.0, status=deferred \(mail transport unavailable\)$")


def test_bounces_have_a_lifetime_of_their_own(either):
    mail = either(main={**dead_host(), "bounce_queue_lifetime": "0", "maximal_queue_lifetime": "1d"}).start()
    submit(mail, "a@else.test")
    mail.wait_log(rf"to=<a@else\.test>.* status=deferred \({REFUSED}\)")
    submit(mail, "b@else.test", sender="<>")
    mail.wait_log(r": from=<>, status=expired, returned to sender$")
    wait_until(lambda: len(mail.queue_ids()) == 1, "the end of the one that expired")


def test_bounces_live_no_longer_than_other_mail(either):
    mail = either(main={**dead_host(), "maximal_queue_lifetime": "0"}).start()
    mail.wait_log(r"qmgr\[\d+\]: warning: bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime$")
    submit(mail, "b@else.test", sender="<>")
    mail.wait_log(r": from=<>, status=expired, returned to sender$")


def test_copies_for_others(either, account):
    mail = either(main={
        "recipient_delimiter": "+",
        "always_bcc": f"{account}+all@localhost",
        "sender_bcc_maps": f"inline:{{s@example.com={account}+sender@localhost}}",
        "recipient_bcc_maps": f"inline:{{{account}@localhost={account}+recipient@localhost}}",
    }).start()
    submit(mail, f"{account}@localhost")
    mail.wait_log(r": removed$")
    found = {re.search(r"to=<(\S+)>", line)[1] for line in mail.log_lines(r"status=sent")}
    assert found == {f"{account}{extension}@localhost" for extension in ("", "+all", "+sender", "+recipient")}


def test_long_queue_ids(either, account):
    mail = either(main={"enable_long_queue_ids": "yes"}).start()
    with mail.smtp() as client:
        client.hello()
        reply = client.deliver("s@example.com", f"{account}@localhost", "Subject: x\n\nhello\n")
    queue_id = re.fullmatch(r"250 2\.0\.0 Ok: queued as ([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{12,})", reply.text)[1]
    mail.wait_log(rf"{queue_id}: removed$")


def test_the_name_in_the_log_and_the_digits_of_delays(either, account):
    mail = either(main={"syslog_name": "branch", "delay_logging_resolution_limit": "0"}).start()
    submit(mail, f"{account}@localhost")
    mail.wait_log(r" branch/local\[\d+\]: .* delay=\d+, delays=\d+/\d+/\d+/\d+, dsn=2\.0\.0, status=sent \(delivered to mailbox\)$")


def test_headers_that_are_dropped_are_not_made_anew(either, account):
    mail = either(main={"message_drop_headers": "from, message-id, to, x-secret"}).start()
    mail.sendmail("-f", "s@example.com", account,
                  input="From: me\nTo: you\nMessage-Id: <a@b>\nX-Secret: 1\nX-Open: 1\nSubject: x\n\nhello\n")
    message = mail.wait_mailbox(account)[0]
    found = re.findall(r"(?m)^(From|To|Message-Id|X-\w+|Subject|Date):", message)
    assert found == ["X-Open", "Subject", "Date"]


def test_strangers_headers_are_completed_only_when_asked(either, account):
    mail = either(main={"local_header_rewrite_clients": "", "remote_header_rewrite_domain": "far.invalid"}).start()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.com", f"{account}@localhost", "From: joe\nTo: bob\n\nhello\n").code == 250
    message = mail.wait_mailbox(account)[0]
    assert "From: joe@far.invalid" in message and "To: bob@far.invalid" in message and "Message-Id:" in message


def test_an_address_to_connect_from_that_is_not_ours_is_done_without(either, sink):
    server = sink()
    mail = either(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native",
                        "smtp_bind_address": "192.0.2.77"}).start()
    submit(mail, "a@else.test")
    mail.wait_log(r"warning: smtp_connect_addr: bind 192\.0\.2\.77: Cannot assign requested address$")
    mail.wait_log(rf"to=<a@else\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{server.port}, .* status=sent")


def test_mail_to_the_sender_of_double_bounces_is_discarded(either):
    mail = either().start()
    submit(mail, "double-bounce")
    mail.wait_log(rf"to=<double-bounce@example\.test>, orig_to=<double-bounce>, relay=none, {DELAYS}, dsn=2\.0\.0, "
                  r"status=sent \(undeliverable postmaster notification discarded\)$")
    mail.wait_empty()
