# SPDX-License-Identifier: Apache-2.0
"""Which of a destination's hosts and addresses the SMTP client tries; each case is played against stock Postfix, too."""

import socket
import subprocess
import time

import pytest

from support.waiting import wait_until

LATER = {"RCPT": "450 4.2.0 later"}

needs_ipv6 = pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")


# --- protocols ----------------------------------------------------------------------------------------------------


def both_families(world, **main):
    world.host("both.test", "127.0.0.2", "::1")
    return world.server("127.0.0.2"), world.server("::1"), world.start(inet_protocols="all", **main)


@needs_ipv6
@pytest.mark.parametrize("preference, index", [("ipv4", 0), ("ipv6", 1)])
def test_the_preferred_protocol_goes_first(world, preference, index):
    servers = both_families(world, smtp_address_preference=preference)[:2]
    world.send(*[f"u{i}@both.test" for i in range(10)])
    servers[index].wait_for(10)
    assert not servers[1 - index].messages


@needs_ipv6
def test_without_preference_both_protocols_get_their_share(world):
    ipv4, ipv6, _ = both_families(world, smtp_address_preference="any")
    world.send(*[f"u{i}@both.test" for i in range(30)])
    wait_until(lambda: len(ipv4.messages) + len(ipv6.messages) == 30, "30 messages")
    assert ipv4.messages and ipv6.messages


@needs_ipv6
def test_a_preference_of_the_mx_outranks_that_of_the_protocol(world):
    world.exchanger("ranked.test", 10, "old.test", "127.0.0.2")
    world.exchanger("ranked.test", 20, "new.test", "::1")
    ipv4, ipv6 = world.server("127.0.0.2"), world.server("::1")
    world.start(inet_protocols="all", smtp_address_preference="ipv6")
    world.send(*[f"u{i}@ranked.test" for i in range(5)])
    ipv4.wait_for(5)
    assert not ipv6.messages


@needs_ipv6
@pytest.mark.parametrize("protocols, index", [("ipv4", 0), ("ipv6", 1)])
def test_a_protocol_that_is_off_is_not_used(world, protocols, index):
    mail, servers = world.mail, [world.server("127.0.0.2"), world.server("::1")]
    world.host("both.test", "127.0.0.2", "::1")
    world.host("only4.test", "127.0.0.2")
    world.host("only6.test", "::1")
    if protocols == "ipv6":
        mail.master = mail.master.replace(f"127.0.0.1:{mail.port}", f"[::1]:{mail.port}")
        mail.wait_for_port = lambda port: None
    world.start(inet_protocols=protocols, inet_interfaces=["127.0.0.1", "::1"][index])
    for user in range(10):
        mail.sendmail("-f", "s@example.test", f"u{user}@both.test", input="Subject: x\n\nhello\n")
    servers[index].wait_for(10)
    assert not servers[1 - index].sessions
    other, kind = ("only6.test", "A") if protocols == "ipv4" else ("only4.test", "AAAA")
    mail.sendmail("-f", "s@example.test", f"u@{other}", input="Subject: x\n\nhello\n")
    world.outcome(
        rf"u@{other}",
        rf"relay=none, .*dsn=5\.4\.4, status=bounced \(Host or domain name not found\. Name service error for "
        rf"name={other} type={kind}: Host found but no data record of requested type\)",
    )


@needs_ipv6
def test_a_host_with_an_ipv6_address_only(world):
    world.exchanger("six.test", 10, "six-host.test", "::1")
    server = world.server("::1")
    world.start(inet_protocols="all")
    world.send("u@six.test")
    server.wait_for(1)
    world.outcome("u@six.test", rf"relay=six-host\.test\[::1\]:{world.port}, .*status=sent")


@needs_ipv6
def test_a_next_hop_that_is_an_ipv6_address(world):
    server = world.server("::1")
    routes = f"inline:{{a.test=smtp:[::1]:{world.port}, b.test=smtp:[ipv6:::1]:{world.port}}}"
    world.start(inet_protocols="all", transport_maps=routes)
    for domain in ("a.test", "b.test"):
        world.send(f"u@{domain}")
        world.outcome(f"u@{domain}", rf"relay=::1\[::1\]:{world.port}, .*status=sent")
    server.wait_for(2)


@needs_ipv6
def test_an_address_literal_of_a_recipient(world):
    server = world.server("::1")
    world.start(inet_protocols="all", inet_interfaces="127.0.0.1", mynetworks="127.0.0.0/8")
    world.send("u@[ipv6:::1]")
    server.wait_for(1)


@needs_ipv6
@pytest.mark.parametrize("balanced", ["yes", "no"])
def test_a_limited_list_keeps_both_protocols(world, balanced):
    """Three dead IPv4 addresses are preferred, and only two addresses are tried."""
    world.host("mixed.test", "127.0.0.7", "127.0.0.8", "127.0.0.9", "::1")
    server = world.server("::1")
    world.start(
        inet_protocols="all", smtp_address_preference="ipv4", smtp_mx_address_limit="2",
        smtp_balance_inet_protocols=balanced,
    )
    world.send("u@mixed.test")
    if balanced == "yes":
        server.wait_for(1)
    else:
        world.outcome("u@mixed.test", "relay=none, .*status=deferred")
        assert not server.sessions


# --- how many -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit, is_sent", [("1", False), ("2", True)])
def test_addresses_beyond_the_limit_are_not_tried(world, limit, is_sent):
    world.exchanger("many.test", 10, "dead.test", "127.0.0.9")
    world.exchanger("many.test", 20, "good.test", "127.0.0.2")
    server = world.server("127.0.0.2")
    world.start(smtp_mx_address_limit=limit)
    world.send("u@many.test")
    if is_sent:
        server.wait_for(1)
    else:
        world.outcome("u@many.test", rf"relay=none, .*connect to dead\.test\[127\.0\.0\.9\]:\d+: Connection refused")
        assert not server.sessions


@pytest.mark.parametrize("limit, is_sent", [("1", False), ("2", True)])
def test_sessions_beyond_the_limit_are_not_opened(world, limit, is_sent):
    world.exchanger("grey.test", 10, "later.test", "127.0.0.3")
    world.exchanger("grey.test", 20, "good.test", "127.0.0.2")
    world.server("127.0.0.3", replies=LATER)
    server = world.server("127.0.0.2")
    world.start(smtp_mx_session_limit=limit)
    world.send("u@grey.test")
    if is_sent:
        server.wait_for(1)
    else:
        world.outcome(
            "u@grey.test",
            r"relay=later\.test\[127\.0\.0\.3\]:\d+, .*dsn=4\.2\.0, status=deferred "
            r"\(host later\.test\[127\.0\.0\.3\] said: 450 4\.2\.0 later \(in reply to RCPT TO command\)\)",
        )
        assert not server.sessions


def test_a_host_that_cannot_be_reached_is_no_session(world):
    for number, address in enumerate(("127.0.0.7", "127.0.0.8", "127.0.0.2")):
        world.exchanger("far.test", number, f"host{number}.test", address)
    server = world.server("127.0.0.2")
    world.start(smtp_mx_session_limit="1")
    world.send("u@far.test")
    server.wait_for(1)


# --- order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mixed", ["yes", "no"])
def test_addresses_of_equal_preference_are_mixed(world, mixed):
    addresses = [f"127.0.0.{number}" for number in range(2, 6)]
    for number, address in enumerate(addresses):
        world.exchanger("equal.test", 10, f"host{number}.test", address)
    servers = [world.server(address) for address in addresses]
    world.start(smtp_randomize_addresses=mixed)
    world.send(*[f"u{i}@equal.test" for i in range(12)])
    # What is not mixed stays in its order in the next second, too.
    begun = int(time.time())
    wait_until(lambda: int(time.time()) != begun, "the next second")
    world.send(*[f"u{i}@equal.test" for i in range(12, 24)])
    wait_until(lambda: sum(len(server.messages) for server in servers) == 24, "24 messages")
    assert (sum(bool(server.messages) for server in servers) > 1) == (mixed == "yes")


# --- what the name server does not say ----------------------------------------------------------------------------


def test_an_mx_error_may_be_ignored(world):
    world.names.fail("broken.test", "SERVFAIL")
    server = world.server("127.0.0.2")
    usual = world.names.answer

    def address_only(data):
        from dnslib import QTYPE, DNSRecord

        is_address = QTYPE[DNSRecord.parse(data).q.qtype] == "A"
        world.names.failures["broken.test"] = None if is_address else "SERVFAIL"
        return usual(data)

    world.names.answer = address_only
    world.host("broken.test", "127.0.0.2")
    world.start(ignore_mx_lookup_error="yes")
    world.send("u@broken.test")
    server.wait_for(1)


@pytest.mark.parametrize("defers, dsn, status", [("yes", r"4\.4\.4", "deferred"), ("no", r"5\.4\.4", "bounced")])
def test_no_mx_with_an_address_is_for_the_administrator_to_judge(world, defers, dsn, status):
    world.exchanger("empty.test", 10, "nowhere.test")
    world.start(smtp_defer_if_no_mx_address_found=defers)
    world.send("u@empty.test")
    world.outcome(
        "u@empty.test",
        rf"relay=none, .*dsn={dsn}, status={status} \(Host or domain name not found\. "
        r"Name service error for name=nowhere\.test type=A: Host not found\)",
    )


# --- ourselves ----------------------------------------------------------------------------------------------------

LOOP = r"relay=none, .*dsn=5\.4\.6, status=bounced \(mail for {} loops back to myself\)"


def at_port_25(world, **main):
    """Whoever is an MX for us must not be connected to, so nothing needs to listen there."""
    world.mail.set(smtp_tcp_port="25")
    return world.start(**main)


def test_mail_for_an_mx_that_is_ourselves_is_a_loop(world):
    world.exchanger("own.test", 10, "own-host.test", "127.0.0.1")
    at_port_25(world)
    world.send("u@own.test")
    world.outcome("u@own.test", LOOP.format(r"own\.test"))


def test_mail_for_an_mx_that_is_our_proxy_is_a_loop(world):
    world.exchanger("proxied.test", 10, "proxy-host.test", "127.9.9.9")
    at_port_25(world, proxy_interfaces="127.9.9.8, 127.9.9.9")
    world.send("u@proxied.test")
    world.outcome("u@proxied.test", LOOP.format(r"proxied\.test"))


def test_a_backup_mx_does_not_try_those_behind_itself(world):
    world.exchanger("backup.test", 10, "main.test", "127.0.0.9")
    world.exchanger("backup.test", 20, "own-host.test", "127.0.0.1")
    world.exchanger("backup.test", 30, "behind.test", "127.0.0.8")
    at_port_25(world)
    world.send("u@backup.test")
    world.outcome("u@backup.test", r"relay=none, .*status=deferred \(connect to main\.test\[127\.0\.0\.9\]:25: ")
    assert not world.mail.log_lines(r"127\.0\.0\.8")


# --- where from ---------------------------------------------------------------------------------------------------


def test_the_address_to_connect_from(world):
    world.host("away.test", "127.0.0.2")
    server = world.server("127.0.0.2")
    world.start(smtp_bind_address="127.0.0.66")
    world.send("u@away.test")
    assert server.wait_for(1)[0].peer[0] == "127.0.0.66"


@pytest.mark.parametrize("others, is_bound", [("", True), (", 127.0.0.1", False)])
def test_the_only_address_that_we_listen_on(world, others, is_bound):
    """It is where mail comes from, too, unless it is a loopback address: nothing would get out from there."""
    outside = [word for word in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if "." in word]
    if not outside:
        pytest.skip("this host has no address but the loopback interface's")
    world.host("away.test", "127.0.0.2")
    server = world.server("127.0.0.2")
    world.start(inet_interfaces=outside[0] + others)
    world.mail.sendmail("-f", "", "u@away.test", input="Subject: x\n\nhello\n")
    assert (server.wait_for(1)[0].peer[0] == outside[0]) == is_bound


@needs_ipv6
def test_an_ipv6_address_to_connect_from_that_is_not_ours(world):
    world.host("six.test", "::1")
    world.host("four.test", "127.0.0.2")
    six, four = world.server("::1"), world.server("127.0.0.2")
    world.start(inet_protocols="all", smtp_bind_address6="2001:db8::1")
    world.send("u@six.test", "u@four.test")
    six.wait_for(1)
    four.wait_for(1)
    world.mail.wait_log(r"warning: smtp_connect_addr: bind 2001:db8::1: Cannot assign requested address$")
    assert len(world.mail.log_lines(r"smtp_connect_addr: bind")) == 1
