# SPDX-License-Identifier: Apache-2.0
"""Where the SMTP client goes: MX, addresses, ourselves, and what the name server does not say."""

import re

import pytest

from support.smtp_sink import SmtpSink
from support.waiting import free_port, wait_until

NOT_FOUND = r"Host or domain name not found\. Name service error for name={name} type={type}: {reason}"


def not_found(name, kind, reason):
    return NOT_FOUND.format(name=re.escape(name), type=kind, reason=reason)


@pytest.fixture
def routed(make_merpati, dns, sink):
    """A configured instance whose name server and port 25 are ours: (instance, names, port)."""
    names = dns()
    mail = make_merpati()
    port = free_port()
    path = mail.write("resolv.conf", f"nameserver 127.0.0.1@{names.port}\n")
    mail.set(
        smtp_tcp_port=str(port),
        smtp_connect_timeout="2s",
        import_environment=f"MAIL_CONFIG MERPATI_SECCOMP=kill MERPATI_RESOLV_CONF={path}",
    )
    return mail, names, port


def send(mail, *domains):
    with mail.smtp() as client:
        client.hello()
        for domain in domains:
            assert client.deliver("s@example.test", f"u@{domain}", "Subject: x\n\nhello\n").code == 250


CASES = {
    "nx.test": ("none", r"5\.4\.4", "bounced", not_found("nx.test", "A", "Host not found")),
    "nodata.test": (
        "none", r"5\.4\.4", "bounced",
        not_found("nodata.test", "A", "Host found but no data record of requested type"),
    ),
    "servfail.test": ("none", r"4\.4\.3", "deferred", not_found("servfail.test", "MX", "Host not found, try again")),
    "nullmx.test": ("none", r"5\.1\.10", "bounced", r"Domain nullmx\.test does not accept mail \(nullMX\)"),
    "mxnohost.test": ("none", r"5\.4\.4", "bounced", not_found("nohost.test", "A", "Host not found")),
    "mxunknown.test": ("none", r"4\.4\.3", "deferred", not_found("servfail.test", "A", "Host not found, try again")),
    "mxbroken.test": (
        "none", r"4\.4\.3", "deferred",
        not_found("mxbroken.test", "MX", "Malformed or unexpected name server reply"),
    ),
    "implicit.test": (r"implicit\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
    "mx.test": (r"good\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
    "alias.test": (r"good\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
    "mxalias.test": (r"other\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
    "second.test": (r"good\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
    "grey.test": (r"good\.test\[127\.0\.0\.2\]:\d+", r"2\.0\.0", "sent", "250 .*"),
}


def add_records(names):
    names.add("nodata.test", "TXT", '"x"')
    names.fail("servfail.test", "SERVFAIL")
    for domain, value in [
        ("nullmx.test", "0 ."), ("mxnohost.test", "10 nohost.test."), ("mxunknown.test", "10 servfail.test."),
        ("mxbroken.test", "10 -bad$.test."), ("mx.test", "10 good.test."), ("mxalias.test", "10 other.test."),
        ("second.test", "20 good.test."), ("second.test", "10 dead.test."),
        ("grey.test", "20 good.test."), ("grey.test", "10 later.test."),
    ]:
        names.add(domain, "MX", value)
    names.add("alias.test", "CNAME", "mx.test.")
    names.add("other.test", "CNAME", "good.test.")
    for host, address in [("implicit.test", 2), ("good.test", 2), ("later.test", 3), ("dead.test", 9)]:
        names.add(host, "A", f"127.0.0.{address}")


@pytest.mark.sanitized
def test_each_answer_of_the_name_server_has_its_outcome(routed, sink):
    mail, names, port = routed
    add_records(names)
    sink(address="127.0.0.2", port=port)
    sink(address="127.0.0.3", port=port, replies={"RCPT": "450 4.2.0 later"})
    mail.start()
    send(mail, *CASES)
    wrong = []
    for domain, (relay, dsn, status, text) in CASES.items():
        name = re.escape(domain)
        mail.wait_log(rf"to=<u@{name}>")
        line = mail.log_line(rf"to=<u@{name}>")
        pattern = rf"\w+: to=<u@{name}>, relay={relay},.* dsn={dsn}, status={status} \({text}\)"
        if not re.fullmatch(pattern, line):
            wrong.append(f"{line}\n    not {pattern}")
    assert not wrong, "\n".join(wrong)
    mail.wait_log(r"connect to dead\.test\[127\.0\.0\.9\]:\d+: Connection refused$")
    mail.wait_log(r"\w+: host later\.test\[127\.0\.0\.3\] said: 450 4\.2\.0 later \(in reply to RCPT TO command\)$")
    mail.wait_log(r"warning: no MX host for mxnohost\.test has a valid address record$")


def test_better_preference_is_tried_first(routed, sink):
    mail, names, port = routed
    names.add("many.test", "MX", "5 first.test.")
    names.add("many.test", "MX", "10 second.test.")
    names.add("first.test", "A", "127.0.0.3")
    names.add("second.test", "A", "127.0.0.2")
    second, first = sink(address="127.0.0.2", port=port), sink(address="127.0.0.3", port=port)
    mail.start()
    send(mail, *["many.test"] * 5)
    first.wait_for(5)
    assert not second.messages


def test_a_changed_resolv_conf_is_followed(routed, dns, sink):
    mail, names, port = routed
    server = sink(address="127.0.0.2", port=port)
    mail.start()
    send(mail, "late.test")
    mail.wait_log(r"to=<u@late\.test>.*Host not found")
    other = dns()
    other.add("late.test", "A", "127.0.0.2")
    path = mail.path("resolv.conf")
    path.write_text(f"nameserver 127.0.0.1@{other.port}\n")

    def arrived():
        send(mail, "late.test")
        return server.messages

    wait_until(arrived, lambda: f"mail after the change; log:\n{mail.tail()}")


def test_a_name_server_that_comes_back_is_asked_again(routed, sink):
    mail, names, port = routed
    names.add("good.test", "A", "127.0.0.2")
    names.fail("good.test", "SERVFAIL")
    server = sink(address="127.0.0.2", port=port)
    mail.start()
    send(mail, "good.test")
    mail.wait_log(r"to=<u@good\.test>.*status=deferred")
    names.fail("good.test", None)

    def arrived():
        mail.command("postqueue", "-f")
        return server.messages

    wait_until(arrived, lambda: f"mail after the name server is back; log:\n{mail.tail()}")


def test_host_lookup_native_reads_hosts_also_in_the_jail(routed, sink, run_as):
    mail, names, port = routed
    server = sink(address="127.0.0.2", port=port)
    hosts = mail.write("hosts", "127.0.0.2 private.test\n")
    mail.set(
        relayhost=f"[private.test]:{port}",
        smtp_host_lookup="native",
        import_environment=f"{mail.main['import_environment']} MERPATI_HOSTS={hosts}",
    )
    mail.start()
    send(mail, "anything.test")
    server.wait_for(1)
    assert ("private.test", "A") not in names.queries


def test_without_dns_no_question_is_asked(routed, sink):
    mail, names, port = routed
    server = sink(port=port)
    mail.set(disable_dns_lookups="yes", smtp_tcp_port=str(port))
    mail.start()
    send(mail, "127.0.0.1.nip.invalid")
    mail.wait_log(r"status=(bounced|deferred) \(unable to look up host 127\.0\.0\.1\.nip\.invalid: ")
    assert not [query for query in names.queries if query[1] == "MX"]
    assert not server.messages


def test_fallback_relay_takes_what_cannot_be_reached(routed, sink):
    mail, names, port = routed
    fallback = SmtpSink()
    try:
        names.add("dead.test", "A", "127.0.0.9")
        mail.set(smtp_fallback_relay=f"[127.0.0.1]:{fallback.port}")
        mail.start()
        send(mail, "dead.test")
        assert fallback.wait_for(1)[0].recipients == ["u@dead.test"]
    finally:
        fallback.stop()


def test_a_name_server_that_is_silent_costs_a_deferral(routed):
    mail, names, port = routed
    names.fail("silent.test", "TIMEOUT")
    mail.write("resolv.conf", f"nameserver 127.0.0.1@{names.port}\noptions timeout:1 attempts:1\n")
    mail.start()
    send(mail, "silent.test")
    mail.wait_log(r"to=<u@silent\.test>.*dsn=4\.4\.3, status=deferred")


@pytest.mark.parametrize("compatible, found", [("no", "xn--strae-oqa.test"), ("yes", "strasse.test")])
def test_a_domain_in_utf8_is_looked_up_by_its_a_label(routed, sink, compatible, found):
    mail, names, port = routed
    names.add("xn--strae-oqa.test", "A", "127.0.0.2")
    names.add("strasse.test", "A", "127.0.0.3")
    for address in ("127.0.0.2", "127.0.0.3"):
        sink(address=address, port=port, extensions=["8BITMIME", "SMTPUTF8"])
    mail.set(enable_idna2003_compatibility=compatible)
    mail.start()
    with mail.smtp() as client:
        client.hello()
        client.command("MAIL FROM:<s@example.test> SMTPUTF8")
        assert client.command("RCPT TO:<u@STRAßE.test>").code == 250
        client.command("DATA")
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    mail.wait_log(rf"to=<u@STRA.*E\.test>, relay={found}\[127\.0\.0\.\d\]:{port}, .* status=sent")
