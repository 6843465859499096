# SPDX-License-Identifier: Apache-2.0
"""Several next hops, SRV records, the fallback relay, and records that are overlooked."""

import pytest

from support.waiting import wait_until

LATER = {"RCPT": "450 4.2.0 later"}


# --- several next hops --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [", ", " "])
def test_next_hops_are_tried_in_order(world, separator):
    dead, later, good = "[127.0.0.9]", "[127.0.0.3]", "[127.0.0.2]"
    waiting, server = world.server("127.0.0.3", replies=LATER), world.server("127.0.0.2")
    world.start(relayhost=separator.join([dead, later, good]))
    world.send("u@away.test")
    server.wait_for(1)
    world.outcome("u@away.test", rf"relay=127\.0\.0\.2\[127\.0\.0\.2\]:{world.port}, .*status=sent")
    assert waiting.sessions and not waiting.messages
    world.mail.wait_log(rf"connect to 127\.0\.0\.9\[127\.0\.0\.9\]:{world.port}: Connection refused$")


def test_next_hops_of_a_transport_table_with_ports_of_their_own(world):
    first, second = world.sink(replies={"GREETING": "421 4.3.2 busy"}), world.sink()
    world.start(transport_maps=f"inline:{{{{away.test=smtp:[127.0.0.1]:{first.port}, [127.0.0.1]:{second.port}}}}}")
    world.send("u@away.test")
    second.wait_for(1)
    world.outcome("u@away.test", rf"relay=127\.0\.0\.1\[127\.0\.0\.1\]:{second.port}, .*status=sent")


def test_a_refusal_for_good_is_not_taken_to_the_next_hop(world):
    first, second = world.sink(replies={"RCPT": "550 5.1.1 no"}), world.sink()
    world.start(relayhost=f"[127.0.0.1]:{first.port}, [127.0.0.1]:{second.port}")
    world.send("u@away.test")
    world.outcome("u@away.test", r"relay=127\.0\.0\.1.*dsn=5\.1\.1, status=bounced")
    assert not second.sessions


# --- how many sessions --------------------------------------------------------------------------------------------


def test_a_server_that_does_not_get_through_its_greeting_is_no_session(world):
    for number, address in enumerate(("127.0.0.3", "127.0.0.4", "127.0.0.2")):
        world.exchanger("busy.test", number, f"host{number}.test", address)
    for address in ("127.0.0.3", "127.0.0.4"):
        world.server(address, replies={"GREETING": "421 4.3.2 busy"})
    server = world.server("127.0.0.2")
    world.start(smtp_mx_session_limit="1")
    world.send("u@busy.test")
    server.wait_for(1)


# --- the fallback relay -------------------------------------------------------------------------------------------


def with_fallback(world, **main):
    relay = world.sink()
    world.start(smtp_fallback_relay=f"[127.0.0.1]:{relay.port}", **main)
    return relay


@pytest.mark.parametrize("kind", ["dead", "missing", "later"])
def test_the_fallback_relay_takes_what_its_destination_does_not(world, kind):
    world.host("dead.test", "127.0.0.9")
    world.host("later.test", "127.0.0.3")
    world.server("127.0.0.3", replies=LATER)
    relay = with_fallback(world)
    world.send(f"u@{kind}.test")
    relay.wait_for(1)
    world.outcome(rf"u@{kind}\.test", rf"relay=127\.0\.0\.1\[127\.0\.0\.1\]:{relay.port}, .*status=sent")


def test_mail_that_we_are_an_exchanger_for_does_not_go_to_the_fallback_relay(world):
    world.exchanger("backup.test", 10, "main.test", "127.0.0.9")
    world.exchanger("backup.test", 20, "own-host.test", "127.0.0.1")
    world.exchanger("own.test", 10, "own-host.test")
    world.mail.set(smtp_tcp_port="25")
    relay = with_fallback(world)
    world.send("u@backup.test", "u@own.test")
    world.outcome("u@backup.test", r"relay=none, .*status=deferred \(connect to main\.test\[127\.0\.0\.9\]:25: ")
    world.outcome("u@own.test", r"relay=none, .*dsn=5\.4\.6, status=bounced \(mail for own\.test loops back to myself\)")
    assert not relay.sessions


# --- SRV (stock 3.7 knows none) -----------------------------------------------------------------------------------

SRV = {"use_srv_lookup": "submission", "transport_maps": "static:smtp:away.test:submission"}


def service(world, *records):
    """(priority, weight, port, host) each."""
    for record in records:
        world.names.add("_submission._tcp.away.test", "SRV", "{} {} {} {}.".format(*record))


def test_srv_gives_host_and_port(own_world):
    world = own_world
    first, second, third = world.sink(replies=LATER), world.sink(), world.sink()
    service(world, (20, 0, third.port, "c.test"), (10, 0, second.port, "b.test"), (5, 0, first.port, "a.test"))
    for name in "abc":
        world.host(f"{name}.test", "127.0.0.1")
    world.start(**SRV)
    world.send("u@else.test")
    second.wait_for(1)
    world.outcome("u@else.test", rf"relay=b\.test\[127\.0\.0\.1\]:{second.port}, .*status=sent")
    assert first.sessions and not third.sessions
    assert ("away.test", "MX") not in world.names.queries


def test_a_heavier_host_gets_more(own_world):
    world = own_world
    light, heavy = world.sink(), world.sink()
    service(world, (10, 1, light.port, "light.test"), (10, 65535, heavy.port, "heavy.test"))
    world.host("light.test", "127.0.0.1")
    world.host("heavy.test", "127.0.0.1")
    world.start(**SRV)
    world.send(*[f"u{i}@else.test" for i in range(10)])
    wait_until(lambda: len(light.messages) + len(heavy.messages) == 10, "10 messages")
    assert len(heavy.messages) > len(light.messages)


def test_another_service_is_not_looked_up(own_world):
    world = own_world
    world.host("away.test", "127.0.0.2")
    server = world.server("127.0.0.2")
    service(world, (0, 0, 1, "nowhere.test"))
    world.start(use_srv_lookup="submission", transport_maps=f"static:smtp:away.test:{world.port}")
    world.send("u@else.test")
    server.wait_for(1)
    assert not [query for query in world.names.queries if query[1] == "SRV"]


@pytest.mark.parametrize("setting, is_error", [
    ("allow_srv_lookup_fallback", False), ("ignore_srv_lookup_error", True), (None, False), (None, True),
])
def test_without_srv_record_mx_only_where_allowed(own_world, setting, is_error):
    world = own_world
    world.exchanger("away.test", 10, "mx.test", "127.0.0.9")
    if is_error:
        world.names.fail("_submission._tcp.away.test", "SERVFAIL")
    world.start(**SRV, **({setting: "yes"} if setting else {}))
    world.send("u@else.test")
    if setting:
        world.outcome("u@else.test", r"relay=none, .*dsn=4\.4\.1, status=deferred \(connect to mx\.test\[127\.0\.0\.9\]:587: ")
        return
    dsn, status, reason = (r"4\.4\.3", "deferred", "Host not found, try again") if is_error else (
        r"5\.4\.4", "bounced", "Host not found")
    world.outcome(
        "u@else.test",
        rf"relay=none, .*dsn={dsn}, status={status} \(Host or domain name not found\. Name service error for "
        rf"name=_submission\._tcp\.away\.test type=SRV: {reason}\)",
    )


def test_a_domain_may_say_that_it_does_not_offer_the_service(own_world):
    service(own_world, (0, 0, 0, ""))
    own_world.start(**SRV, allow_srv_lookup_fallback="yes")
    own_world.send("u@else.test")
    own_world.outcome(
        "u@else.test",
        r"relay=none, .*dsn=5\.4\.4, status=bounced \(Domain away\.test does not offer the service submission\)",
    )


# --- records that are overlooked ----------------------------------------------------------------------------------


def test_a_record_that_the_filter_knows_is_overlooked(world):
    world.exchanger("two.test", 10, "bad.test", "127.0.0.3")
    world.exchanger("two.test", 20, "good.test", "127.0.0.2")
    bad, good = world.server("127.0.0.3"), world.server("127.0.0.2")
    rules = world.mail.write("filter", r"/^two\.test\. [0-9]+ IN MX 10 bad\.test\.$/ IGNORE" + "\n")
    world.start(smtp_dns_reply_filter=f"regexp:{rules}")
    world.send("u@two.test")
    good.wait_for(1)
    assert not bad.sessions


def test_an_action_that_nobody_knows_is_a_deferral(world):
    world.exchanger("all.test", 10, "bad.test", "127.0.0.3")
    rules = world.mail.write("filter", "/^all/ oops\n")
    world.start(smtp_dns_reply_filter=f"regexp:{rules}")
    world.send("u@all.test")
    world.outcome("u@all.test", r"relay=none, .*dsn=4\.4\.3, status=deferred \(Error looking up name=all\.test type=MX: "
                                r"Invalid DNS reply filter syntax\)")
    world.mail.wait_log(r'warning: smtp_dns_reply_filter: unknown DNS filter action: "oops"')


def test_nothing_left_is_a_deferral(world):
    world.exchanger("all.test", 10, "bad.test", "127.0.0.3")
    rules = world.mail.write("filter", r"/^all\.test\. .* IN MX / IGNORE" + "\n")
    world.start(smtp_dns_reply_filter=f"regexp:{rules}")
    world.send("u@all.test")
    world.outcome(
        "u@all.test",
        r"relay=none, .*dsn=4\.7\.0, status=deferred \(Error looking up name=all\.test type=MX: "
        r"DNS reply filter drops all results\)",
    )
    world.mail.wait_log(r"ignoring DNS RR: all\.test\. \d+ IN MX 10 bad\.test\.$")
