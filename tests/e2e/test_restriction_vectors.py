# SPDX-License-Identifier: Apache-2.0
"""
The cases of ../shared/vectors/postfix-smtpd-check, replayed over XCLIENT by stock Postfix and by us: the same replies, and the same lines in
the log. Where stock says something else than the file, stock is right, and the difference is printed (pytest -rP shows it).
"""

import json
import re

import pytest
from support.instance import SOURCE, Stock
from support.judges import make_judges

VECTORS = SOURCE.parent / "shared" / "vectors" / "postfix-smtpd-check"
CASES = [json.loads(line) for line in (VECTORS / "cases.jsonl").read_text().splitlines()] if VECTORS.exists() else []
FILES = list(dict.fromkeys(case["id"].split(":")[0] for case in CASES))

# Where we differ from Postfix 3.7, on purpose: what 3.9 and later do.
REMOVED = ("permit_naked_ip_address", "check_relay_domains", "reject_maps_rbl")
OWN = {
    "smtpd_server.in:4": "a HELO name with @ in it is tamed after XCLIENT, too: Postfix takes it then as it is",
    "smtpd_server.in:13": "the same",
}

# What the cases need of the DNS; no other name is there.
RECORDS = [
    *[("porcupine.org", "NS", f"{host}.porcupine.org.") for host in ("spike", "ns")],
    ("porcupine.org", "MX", "10 spike.porcupine.org."),
    ("spike.porcupine.org", "A", "168.100.3.2"),
    ("spike.porcupine.org", "MX", "10 spike.porcupine.org."),
    ("ns.porcupine.org", "A", "168.100.3.75"),
    ("fist.porcupine.org", "A", "168.100.3.4"),
    ("wzv.porcupine.org", "A", "168.100.3.7"),
    ("www.porcupine.org", "A", "168.100.3.80"),
    ("www.porcupine.org", "MX", "10 spike.porcupine.org."),
    ("backup.porcupine.org", "MX", "10 fist.porcupine.org."),
    ("backup.porcupine.org", "MX", "20 wzv.porcupine.org."),
    ("nullmx.porcupine.org", "MX", "0 ."),
    ("xn--1xa.porcupine.org", "MX", "10 spike.porcupine.org."),
    ("postfix.org", "NS", "ns.porcupine.org."),
    ("postfix.org", "MX", "10 mail.postfix.org."),
    ("mail.postfix.org", "A", "168.100.3.90"),
    ("localhost", "A", "127.0.0.1"),
    ("ibm.com", "MX", "10 mail.ibm.com."),
    ("mail.ibm.com", "A", "192.0.2.80"),
    ("2.0.0.127.dnsbltest.porcupine.org", "A", "127.0.0.2"),
    ("2.0.0.127.dnsbltest.porcupine.org", "TXT", '"DNS blocklist test"'),
    ("2.3.100.168.wild.porcupine.org", "A", "127.0.0.2"),
    ("example.tld.dnswl.porcupine.org", "A", "127.0.0.2"),
]
FILTERS = {"no-mx.reg": "/ MX / ignore\n", "no-a.reg": "/ A / ignore\n", "no-txt.reg": "/ TXT / ignore\n", "error.reg": "/^/ oops\n"}
# What trivial-rewrite must know, too.
OF_REWRITE = ("relay_domains", "mydestination", "proxy_interfaces")
OPEN = "check_client_access static:OK, reject_unauth_destination"
# Of the client that the file calls dummy.
DUMMY = "192.0.2.77"
# Who says XCLIENT must not be refused before.
SPEAKER = "127.0.0.99"
WELCOME = f"check_client_access inline:{{{SPEAKER}=OK}}, "


def parameters_of(case):
    """Of the smtpd that judges it; its trivial-rewrite gets some of them, too."""
    values = {name: value for name, value in case["main_cf"].items() if name != "flush_dnsxl_cache"}
    values["smtpd_delay_reject"] = "yes" if values.get("smtpd_delay_reject", "yes") in ("1", "yes") else "no"
    values.setdefault("smtpd_relay_restrictions", OPEN)
    if "reject_unauth_destination" not in values["smtpd_relay_restrictions"]:
        values["smtpd_relay_restrictions"] += ", reject_unauth_destination"
    if "smtpd_client_restrictions" in values:
        values["smtpd_client_restrictions"] = WELCOME + values["smtpd_client_restrictions"]
    # Addresses that the host does not have.
    if "inet_interfaces" in values:
        values["proxy_interfaces"] = values.pop("inet_interfaces")
    values.setdefault("relay_domains", "")
    values.setdefault("mydestination", "")
    values["local_recipient_maps"] = ""
    values["smtpd_reject_unlisted_recipient"] = "no"
    values = {name: re.sub(r"(hash|regexp):(\S*/)?([\w.-]+)", r"\1:%dir%/\3", value) for name, value in values.items()}
    return values


def key_of(case):
    return json.dumps(parameters_of(case), sort_keys=True)


def lines_of(case):
    """The session of a case; its last command is the one that the case is about."""
    name = {"unknown": "[UNAVAILABLE]"}.get(case["client_name"], case["client_name"])
    if case["client_code"] == "4":
        name = "[TEMPUNAVAIL]"
    reverse = case["reverse_name"] or name
    lines = [f"XCLIENT NAME={name} REVERSE_NAME={reverse} ADDR={case['client_addr'].replace('dummy', DUMMY)}"]
    if case["verb"] == "client":
        return lines
    if case["helo"] or case["verb"] == "helo":
        lines.append(f"HELO {case['arg'] if case['verb'] == 'helo' else case['helo']}")
    if case["verb"] == "rcpt":
        lines.append(f"MAIL FROM:<{(case['sender'] or '').strip('<>')}>")
    if case["verb"] == "mail":
        lines.append(f"MAIL FROM:<{case['arg'].strip('<>')}>")
    if case["verb"] == "rcpt":
        lines.append(f"RCPT TO:<{case['arg'].strip('<>')}>")
    return lines


@pytest.fixture(scope="module")
def judges():
    if not CASES:
        pytest.skip("../shared/vectors is not here")
    if Stock.why_not():
        pytest.skip(Stock.why_not())
    lists, services, numbers = {}, [], {}
    for case in CASES:
        parameters = parameters_of(case)
        known = json.dumps([parameters.get(name) for name in OF_REWRITE])
        if known not in numbers:
            numbers[known] = f"rewrite-{len(numbers)}"
            words = "".join(f" -o {{ {name} = {parameters[name]} }}" for name in OF_REWRITE if name in parameters)
            services.append(f"{numbers[known]} unix - - n - - trivial-rewrite{words}")
        lists[key_of(case)] = {**parameters, "rewrite_service_name": numbers[known]}
    made = make_judges(lists, records=RECORDS, tables={"smtpd_check_access": (VECTORS / "smtpd_check_access").read_text()},
                       files=FILTERS, services=services)
    yield made
    for judge in made:
        judge.finish()


def is_removed(case):
    return any(word in value for word in REMOVED for value in case["main_cf"].values())


def normal(lines):
    lines = [line.replace(f"[{DUMMY}]", "[dummy]") for line in lines]
    return [re.sub(r"/tmp/merpati-e2e-\w+", "DIR", re.sub(r"\b300 IN\b", "TTL IN", line)) for line in lines]


def told_by(case, outcome):
    """The reply to the last command, as the file has it, or None if the session did not get so far."""
    replies = [line for line in outcome if re.match(r"(XCLIENT|HELO|MAIL|RCPT|greeting)\b.*?: \d\d\d", line)]
    reply = re.sub(r"^.*?: (?=\d\d\d)", "", replies[-1]) if replies else None
    return "OK" if reply and reply.startswith("2") else reply


def logged(line):
    """As the file has it: there a client is judged when it connects, after HELO, and nothing has a queue id yet."""
    line = line.replace("<queue id>: ", "NOQUEUE: ").replace(f"[{DUMMY}]", "[dummy]").replace(": CONNECT from", ": XCLIENT from")
    return re.sub(r" helo=<\S*>$", "", line)


def tell_differences(case, who, outcome):
    if told_by(case, outcome) != case["expect"]:
        print(f"{case['id']}: the file has {case['expect']}, {who} {told_by(case, outcome)}")
    lines = [logged(line) for line in outcome]
    for line in case["expect_log"]:
        if logged(line) not in lines:
            print(f"{case['id']}: the file has in the log: {line}; {who}: {outcome}")


@pytest.mark.parametrize("name", FILES)
def test_cases_of(judges, name):
    wrong = []
    for case in CASES:
        if not case["id"].startswith(name + ":") or is_removed(case):
            continue
        stock, ours = (normal(judge.play(key_of(case), lines_of(case), SPEAKER)) for judge in judges)
        tell_differences(case, "stock", stock)
        if stock != ours and case["id"] not in OWN:
            print(f"{case['id']}: stock {stock}, ours {ours}")
            wrong.append(case["id"])
    assert not wrong


def test_words_that_were_removed(judges):
    """The newest Postfix decides: these cases are made of its own."""
    cases = [case for case in CASES if is_removed(case) and case["id"].startswith("smtpd_deprecated")]
    assert cases
    for case in cases:
        ours = normal(judges[1].play(key_of(case), lines_of(case), SPEAKER))
        assert told_by(case, ours) == case["expect"]
        assert [logged(line) for line in case["expect_log"]] == [logged(line) for line in ours[-len(case["expect_log"]):]]
