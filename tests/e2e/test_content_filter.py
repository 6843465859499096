# SPDX-License-Identifier: Apache-2.0
"""Filters behind the queue (content_filter) that hand mail back: by SMTP with XFORWARD, and as programs of pipe; and filters that fail."""

import re

import pytest
from support.accounts import TEST_ACCOUNT
from support.smtp_client import SmtpClient
from support.smtp_proxy import SmtpProxy
from support.waiting import free_port

ALL_OVERRIDES = "no_unknown_recipient_checks,no_header_body_checks,no_milters,no_address_mappings"


def relay_to(sink, **main):
    out = sink()
    return out, {"relayhost": f"[127.0.0.1]:{out.port}", "smtp_host_lookup": "native", **main}


@pytest.mark.parametrize("way", ["smtp", "sendmail"])
def test_filtered_mail_comes_back_by_smtp_and_is_sent_once(either, sink, way):
    """The advanced filter: all mail but what it hands back; the client that the message came from stays in the log."""
    out, main = relay_to(sink, virtual_alias_maps="inline:{list@example.test=b@far.example}",
                         smtpd_authorized_xforward_hosts="127.0.0.0/8")
    mail = either(main=main)
    back = free_port()
    proxy = SmtpProxy(back, lambda content: "550 5.7.1 virus" if b"EICAR" in content else None)
    try:
        mail.set(content_filter=f"scan:[127.0.0.1]:{proxy.port}", receive_override_options="no_address_mappings")
        mail.services += [
            "scan unix - - n - 10 smtp -o smtp_send_xforward_command=yes -o disable_mime_output_conversion=yes",
            f"127.0.0.1:{back} inet n - {mail.chroot} - - smtpd -o content_filter= -o {{ receive_override_options = no_unknown_recipient_checks, no_header_body_checks, no_milters }}",
        ]
        mail.write_config()
        mail.start()
        if way == "smtp":
            with mail.smtp() as client:
                client.hello("orig.example")
                assert client.deliver("a@example.com", ["list@example.test", "c@far.example"], "Subject: fine\n\n.dot\n").code == 250
                client.quit()
        else:
            mail.sendmail("-f", "a@example.com", "list@example.test", "c@far.example", input="Subject: fine\n\n.dot\n")
        message = out.wait_for(1)[0]
        mail.wait_empty()
        assert len(out.messages) == 1 and len(proxy.contents) == 1
        # Addresses are mapped once, behind the filter.
        assert sorted(message.recipients) == ["b@far.example", "c@far.example"]
        assert "X-Filtered: yes\n" in message.text and "\n.dot\n" in message.text
        if way == "smtp":
            assert mail.log_line(r"client=localhost\[127\.0\.0\.1\], orig_queue_id=\w+, orig_client=localhost\[127\.0\.0\.1\]")
        # What it refuses goes back to the sender, and the return is not filtered.
        mail.sendmail("-f", "sender@far.example", "c@far.example", input="Subject: bad\n\nEICAR\n")
        out.wait_for(2)
        mail.wait_empty()
        assert out.messages[1].sender == "" and "virus" in out.messages[1].text and len(proxy.contents) == 2
    finally:
        proxy.stop()


def test_a_program_filters_and_hands_back(either, sink):
    """A program of pipe, which sends what it likes to a second smtpd (sendmail is not set-gid here)."""
    out, main = relay_to(sink)
    mail = either(main=main)
    front, back = free_port(), free_port()
    script = mail.write("filter", f"""#!/usr/bin/python3 -B
import smtplib, sys
content = sys.stdin.buffer.read()
if b"EICAR" in content:
    print("5.7.1 virus")
    sys.exit(69)
try:
    with smtplib.SMTP("127.0.0.1", {back}) as server:
        server.sendmail(sys.argv[1], sys.argv[2:], b"X-Filtered: %d\\n" % len(sys.argv) + content)
except (OSError, smtplib.SMTPException) as error:
    print(error)
    sys.exit(75)
""")
    script.chmod(0o755)
    mail.services += [
        f"127.0.0.1:{front} inet n - {mail.chroot} - - smtpd -o content_filter=filter:dummy",
        f"127.0.0.1:{back} inet n - {mail.chroot} - - smtpd -o receive_override_options={ALL_OVERRIDES}",
        f"filter unix - n n - 10 pipe flags=Rq user={TEST_ACCOUNT} null_sender= argv={script} ${{sender}} ${{recipient}}",
    ]
    mail.write_config()
    mail.start()
    with SmtpClient(front) as client:
        client.hello()
        assert client.deliver("a@example.com", ["b@far.example", "c@far.example"], "Subject: fine\n\nx\n").code == 250
        assert client.deliver("a@example.com", "b@far.example", "Subject: bad\n\nEICAR\n").code == 250
        client.quit()
    out.wait_for(2)
    mail.wait_empty()
    found = {m.sender: m for m in out.messages}
    assert sorted(found) == ["", "a@example.com"] and len(out.messages) == 2
    fine = found["a@example.com"]
    assert sorted(fine.recipients) == ["b@far.example", "c@far.example"]
    assert "X-Filtered: 4\n" in fine.text and "Received: from client.example" in fine.text
    assert "5.7.1" in found[""].text and "virus" in found[""].text


def test_mail_waits_for_a_filter_that_is_down(either, sink):
    out, main = relay_to(sink, minimal_backoff_time="1s", maximal_backoff_time="1s", queue_run_delay="1s")
    mail = either(main=main)
    back, port = free_port(), free_port()
    mail.set(content_filter=f"scan:[127.0.0.1]:{port}")
    mail.services += ["scan unix - - n - 10 smtp",
                      f"127.0.0.1:{back} inet n - {mail.chroot} - - smtpd -o content_filter= -o receive_override_options={ALL_OVERRIDES}"]
    mail.write_config()
    mail.start()
    mail.sendmail("-f", "a@example.com", "b@far.example", input="Subject: later\n\nx\n")
    mail.wait_log(r"status=deferred \(connect to 127\.0\.0\.1.*Connection refused\)")
    assert out.messages == []
    proxy = SmtpProxy(back, port=port)
    try:
        mail.command("postqueue", "-c", mail.config, "-f")
        message = out.wait_for(1)[0]
        mail.wait_empty()
        assert re.search("X-Filtered: yes", message.text) and len(out.messages) == 1
    finally:
        proxy.stop()
