# SPDX-License-Identifier: Apache-2.0
"""default_delivery_status_filter and its kin: what agents say of deliveries, and what then becomes of the mail."""

TEXT = "Subject: x\n\nhello\n"


def rules(*pairs):
    """In main.cf a $ is written twice."""
    return "pcre:{" + ", ".join(f"{{/{pattern}/ {answer}}}" for pattern, answer in pairs).replace("$", "$$") + "}"


def test_local(either, account):
    mail = either(main={"local_delivery_status_filter": rules((r"^5(\.1\.1 unknown user.*)", "4$1 yet"), (r"^2\S+ delivered", "2.9.9 done")),
                        "default_delivery_status_filter": "static:{5.9.9 not asked}"}).start()
    mail.sendmail("-f", "", "nobody-at-all@localhost", input=TEXT)
    mail.wait_log(r'to=<nobody-at-all@localhost>, relay=local, .*dsn=4\.1\.1, status=deferred \(unknown user: "nobody-at-all" yet\)')
    mail.sendmail("-f", "", account, input=TEXT)
    mail.wait_log(r"relay=local, .*dsn=2\.9\.9, status=sent \(done\)")
    assert len(mail.queue_ids()) == 1


def test_smtp(either, sink):
    server = sink(replies={"RCPT": lambda session, line: "550 5.1.1 nobody" if "nobody" in line else "451 4.3.0 not now" if "later" in line else None})
    mail = either(main={"relayhost": f"[127.0.0.1]:{server.port}", "smtp_host_lookup": "native",
                        "smtp_delivery_status_filter": rules((r"^5(.* nobody.*)", "4$1"), (r"^4(.* not now.*)", "5$1"), (r"^2\.", "5.0.0 never"))}).start()
    mail.sendmail("-f", "", "nobody@a.test", "later@a.test", "ok@a.test", input=TEXT)
    mail.wait_log(r"to=<nobody@a\.test>, .*dsn=4\.1\.1, status=deferred \(host \S+ said: 550 5\.1\.1 nobody \(in reply to RCPT TO command\)\)")
    mail.wait_log(r"to=<later@a\.test>, .*dsn=5\.3\.0, status=bounced \(host \S+ said: 451 4\.3\.0 not now \(in reply to RCPT TO command\)\)")
    mail.wait_log(r"to=<ok@a\.test>, .*dsn=2\.0\.0, status=sent \(250 ")
    mail.wait_log("warning: .*smtp_delivery_status_filter")
