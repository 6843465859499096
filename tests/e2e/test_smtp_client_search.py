# SPDX-License-Identifier: Apache-2.0
"""Hosts whose names are not whole: smtp_dns_resolver_options and the domains of resolv.conf."""

ASKED = {  # by transport
    "plain": ["hub", "host.part"],
    "first": ["hub.first.test", "hub", "host.part"],
    "dotted": ["hub", "host.part", "host.part.first.test", "host.part.second.test"],
    "all": ["hub.first.test", "hub.second.test", "host.part", "host.part.first.test", "host.part.second.test"],
}
FOUND = {"plain": [], "first": [], "dotted": ["host.part"], "all": ["hub", "host.part"]}


def test_where_a_host_is_looked_for(world):
    """One domain after the other until there is an address, MX never; what is logged is the name as given."""
    with open(world.mail.path("resolv.conf"), "a") as file:
        file.write("search first.test second.test\n")
    world.host("hub.second.test", "127.0.0.3")
    world.host("host.part.second.test", "127.0.0.3")
    world.server("127.0.0.3")
    routes = ""
    for name, options in (("plain", ""), ("first", "res_defnames"), ("dotted", "res_dnsrch"), ("all", "res_dnsrch,res_defnames")):
        world.mail.services.append(f"{name} unix - - {world.mail.chroot} - - smtp -o smtp_dns_resolver_options={options}")
        routes += f"hub.{name}.test {name}:[hub]\npart.{name}.test {name}:host.part\n"
    world.start(transport_maps=f"texthash:{world.mail.write('transport', routes)}")
    for name in ASKED:
        asked = len(world.names.queries)
        for part, host in (("hub", "hub"), ("part", "host.part")):
            recipient = f"u@{part}.{name}.test"
            world.send(recipient)
            if host in FOUND[name]:
                world.outcome(recipient, rf"relay={host}\[127\.0\.0\.3\]:{world.port}, .*status=sent")
            else:
                world.outcome(recipient, rf"relay=none, .*status=bounced \(Host or domain name not found\. "
                              rf"Name service error for name={host} type=A: Host not found\)")
        assert [query[0] for query in world.names.queries[asked:] if query[1] == "A"] == ASKED[name], name
