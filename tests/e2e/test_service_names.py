# SPDX-License-Identifier: Apache-2.0
"""Services under names of one's own: every *_service_name leads to the service of that name in master.cf."""

import re
import smtplib

from support.side_by_side import options
from support.waiting import free_port, wait_until

NAMES = {
    "cleanup": "cleanup_service_name",
    "rewrite": "rewrite_service_name",
    "qmgr": "queue_service_name",
    "pickup": "pickup_service_name",
    "bounce": "bounce_service_name",
    "defer": "defer_service_name",
    "trace": "trace_service_name",
    "error": "error_service_name",
    "showq": "showq_service_name",
    "proxymap": "proxymap_service_name",
    "postlog": "postlog_service_name",
    "flush": "flush_service_name",
    "verify": "address_verify_service_name",
}


def renamed(mail):
    """Each service of NAMES is my-NAME in master.cf, and only there."""
    mail.master = re.sub(rf"(?m)^({'|'.join(NAMES)})(\s+unix)", r"my-\1\2", mail.master)
    mail.set(**{parameter: f"my-{name}" for name, parameter in NAMES.items()})
    return mail


def test_every_service_may_have_another_name(make_merpati, account):
    mail = renamed(make_merpati(main={
        "virtual_alias_maps": f"proxy:inline:{{alias@alias.test={account}@localhost}}",
        "virtual_alias_domains": "alias.test",
        "relocated_maps": "inline:{moved@localhost=far@far.test}",
        "smtpd_reject_unlisted_recipient": "no",
        "relayhost": f"[127.0.0.1]:{free_port()}",
        "smtp_host_lookup": "native",
        "proxy_read_maps": "$virtual_alias_maps $mailbox_transport_maps",
        "fast_flush_domains": "far.test",
        "address_verify_poll_delay": "1s",
        "smtpd_recipient_restrictions":
            f"check_recipient_access inline:{{{{no@localhost=reject_unverified_recipient}}}}, permit_mynetworks, reject",
    })).start()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("s@example.com", "alias@alias.test", "Subject: by smtp\n\nhello\n").code == 250
    mail.sendmail("-f", f"{account}@localhost", "moved@localhost", input="Subject: by sendmail\n\nhello\n")
    mail.wait_log(r"to=<moved@localhost>, .* status=bounced \(User has moved to far@far\.test\)$")
    mail.wait_log(r"sender non-delivery notification")
    texts = mail.wait_mailbox(account, 2)
    assert any("Subject: by smtp" in text for text in texts)
    mail.sendmail("-f", "s@example.com", "x@far.test", input="Subject: stays\n\nhello\n")
    mail.wait_log(r"to=<x@far\.test>, .* status=deferred")
    assert len(mail.queue_ids()) == 1
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_log(r"to=<x@far\.test>, .* status=deferred", 2)
    with mail.smtp() as client:
        client.hello()
        assert str(client.command("ETRN far.test")) == "250 Queuing started"
        mail.wait_log(r"to=<x@far\.test>, .* status=deferred", 3)
        replies = client.commands("MAIL FROM:<s@example.com>", "RCPT TO:<no@localhost>")
        assert str(replies[-1]).startswith("450 4.1.1 <no@localhost>: Recipient address rejected: un"), replies
    mail.sendmail("-f", f"{account}@localhost", "-N", "success", f"{account}@localhost", input="Subject: traced\n\nhello\n")
    mail.wait_log(r"sender delivery status notification: ")
    mail.set(mailbox_transport_maps=f"proxy:inline:{{{account}=my-error:not-here}}", delay_warning_time="1s")
    mail.reload()
    mail.sendmail("-f", "<>", f"{account}@localhost", input="Subject: by a table of proxymap\n\nhello\n")
    mail.wait_log(rf"to=<{account}@localhost>, .* status=bounced \(not-here\)$")
    def is_late():
        mail.command("postqueue", "-c", mail.config, "-f")
        return mail.log_lines(r"sender delay notification: ")

    wait_until(is_late, lambda: f"a notification of the delay; log:\n{mail.tail()}")
    listing = mail.command("postqueue", "-c", mail.config, "-p")
    # Without showq the queue is read directly, which is told.
    assert "x@far.test" in listing.stdout and not listing.stderr
    for folder in ("public", "private"):
        assert not {path.name for path in (mail.queue / folder).iterdir()} & set(NAMES)


def test_a_second_cleanup_has_rules_of_its_own(either, account):
    mail = either(main={"smtpd_reject_unlisted_recipient": "no", "local_recipient_maps": ""})
    port = free_port()
    mail.services += [
        f"127.0.0.1:{port} inet n - {mail.chroot} - - smtpd{options({'cleanup_service_name': 'inside'})}",
        "inside unix n - n - 0 cleanup" + options({
            "virtual_alias_maps": f"inline:{{list@localhost={account}@localhost}}",
            "message_drop_headers": "x-secret", "always_add_missing_headers": "yes"}),
    ]
    mail.write_config()
    mail.start()
    for number, door in enumerate((mail.port, port)):
        with smtplib.SMTP("127.0.0.1", door) as client:
            client.sendmail("s@example.com", [f"{account}@localhost"] if number == 0 else ["list@localhost"],
                            f"Subject: {number}\nX-Secret: {number}\nBcc: b\n\nhello\n")
    first, second = sorted(mail.wait_mailbox(account, 2), key=lambda text: re.search(r"Subject: (\d)", text)[1])
    assert "X-Secret" in first and "Bcc" not in first
    assert "X-Secret" not in second and "Bcc: b" in second
    mail.wait_log(r"to=<\S+>, orig_to=<list@localhost>, .* status=sent")
    mail.wait_empty()


def test_a_second_cleanup_survives_a_reload_with_mail_in_the_queue(make_merpati, account):
    mail = make_merpati(main={"defer_transports": "local"})
    port = free_port()
    mail.services += [
        f"127.0.0.1:{port} inet n - {mail.chroot} - - smtpd -o cleanup_service_name=inside",
        "inside unix n - n - 0 cleanup",
    ]
    mail.write_config()
    mail.start()
    for door in (mail.port, port):
        with smtplib.SMTP("127.0.0.1", door) as client:
            client.sendmail("s@example.com", [f"{account}@localhost"], f"Subject: {door}\n\nhello\n")
    mail.wait_log(r"status=deferred \(deferred transport\)$", 2)
    mail.set(defer_transports=None)
    mail.reload()
    mail.command("postqueue", "-c", mail.config, "-f")
    mail.wait_mailbox(account, 2)
    mail.wait_empty()
