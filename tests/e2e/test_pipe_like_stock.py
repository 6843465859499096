# SPDX-License-Identifier: Apache-2.0
"""pipe: how commands are called, what they read and what is said of their end are stock Postfix's."""

import re

import pytest
from support.instance import Merpati, Stock
from support.recorder import Recorder, normal
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized

USER = "merpati-test"
SENDER = "Sen.Der@example.com"
BODY = "Subject: x\n\nhello\n.dot\n..\n.\nFrom here\nFro\nfrom there\n>From\nFrom \n\nlast From x\n"

ALL_NAMES = ["client_address", "client_helo", "client_hostname", "client_protocol", "domain", "extension", "mailbox", "nexthop",
             "original_recipient", "recipient", "sasl_method", "sasl_sender", "sasl_username", "sender", "size", "user"]
NAMED = " ".join(f"{name}=${{{name}}}" for name in ALL_NAMES)

# label: attributes of the service; RUN is the recorder with the label.
SERVICES = {
    "plain": f"user={USER} argv=RUN",
    "names": f"user={USER} argv=RUN {NAMED}",
    "forms": f"user={USER} argv=RUN $user $(user) ${{user}}x $user@$domain $$user $$ a$$b ($recipient) {{ two words }} {{$user $domain}} ${{queue_id}}",
    "mixed": f"user={USER} argv=RUN -r $user -d $nexthop ${{user}}@${{domain}}/$extension end",
    "group": f"user={USER}:daemon argv=RUN",
    "place": f"directory=/usr user={USER} argv=RUN",
    "fold": f"flags=hu user={USER} argv=RUN {NAMED}",
    "foldh": f"flags=h user={USER} argv=RUN {NAMED}",
    "foldu": f"flags=u user={USER} argv=RUN {NAMED}",
    "quote": f"flags=q user={USER} argv=RUN {NAMED}",
    "quotefold": f"flags=qhu user={USER} argv=RUN {NAMED}",
    "blank": f"flags=B user={USER} argv=RUN",
    "todelivered": f"flags=D user={USER} argv=RUN",
    "fromline": f"flags=F user={USER} argv=RUN",
    "toorig": f"flags=O user={USER} argv=RUN",
    "path": f"flags=R user={USER} argv=RUN",
    "final": f"flags=X user={USER} argv=RUN",
    "dots": f"flags=. user={USER} argv=RUN",
    "froms": f"flags=> user={USER} argv=RUN",
    "all": f"flags=BDFORXhqu.> user={USER} eol=\\r\\n argv=RUN ${{sender}} ${{recipient}}",
    "eol": f"eol=\\041\\n\\t\\a\\b\\f\\v\\\\\\7x flags=FR user={USER} argv=RUN",
    "nosender": f"flags=FRq null_sender= user={USER} argv=RUN -f ${{sender}} x",
    "othersender": f"flags=FRq null_sender={{a b@c}} user={USER} argv=RUN -f ${{sender}} x",
    "bracedsender": f"flags=FRq {{null_sender=a b@c}} user={USER} argv=RUN -f ${{sender}} x",
    "size": f"size=2000 user={USER} argv=RUN ${{size}}",
    "ends": f"user={USER} argv=RUN",
    "missing": f"user={USER} argv=/nonexistent/command ${{recipient}}",
    "notdir": f"user={USER} directory=/nonexistent argv=RUN",
    "closeddir": f"user={USER} directory=/root argv=RUN",
    "noroot": f"user={USER} chroot=/nonexistent argv=RUN",
    "several": f"flags=D user={USER} argv=RUN ${{recipient}}",
    "severalo": f"flags=O user={USER} argv=RUN ${{recipient}}",
    "filtered": f"user={USER} argv=RUN",
    "slow": f"user={USER} argv=RUN",
    "back": f"user={USER} argv=RUN",
}
ONE_EACH = ["todelivered", "toorig", "all"]


def prepare(kind, made):
    mail = kind(main={"recipient_delimiter": "+-", "owner_request_special": "no", "undisclosed_recipients_header": "", "slow_time_limit": "1s"})
    made.append(mail)
    mail.recorder = Recorder(mail)
    table = "".join(f"{label}.test {label}:{label}.Hop.test\nsub.{label}.test {label}:{label}.Hop.test\n" for label in SERVICES)
    mail.set(
        transport_maps="texthash:" + str(mail.write("transport", f"example.com discard:\n{table}")),
        virtual_alias_maps="texthash:" + str(mail.write("virtual", "Alias@forms.test User+Ext@names.test\nalias@fold.test USER@fold.test\n")),
        virtual_alias_domains="",
        pipe_delivery_status_filter="regexp:" + str(mail.write("filter", "/^4\\.3\\.0 temporary failure(.*marker)/ 5.9.9 not any more$1\n"
                                                            "/^2\\.0\\.0 (delivered via filtered.*)/ 2.9.9 well $1\n")),
        **{f"{label}_destination_recipient_limit": "1" for label in ONE_EACH},
    )
    mail.services += [
        f"{label} unix - n n - - pipe {attributes}".replace("RUN", f"{mail.recorder.path} {label}")
        for label, attributes in SERVICES.items()
    ]
    mail.write_config()
    return mail.start()


@pytest.fixture(scope="module")
def pair():
    reason = Stock.why_not()
    if reason:
        pytest.skip(reason)
    made = []
    try:
        for kind in (Stock, Merpati):
            prepare(kind, made)
        yield made
    finally:
        for mail in made:
            mail.finish()


def told(mail, start, recipients):
    """The lines of pipe and what is said of the recipients, once all of them have an outcome."""
    def lines():
        return [re.sub(r"^.*?/(\w+)\[\d+\]: ", r"\1: ", line) for line in mail.log_text()[start:].splitlines()]

    wait_until(lambda: sum(bool(re.search(r"(pipe|qmgr|error): .*status=", line)) for line in lines()) >= recipients,
               lambda: f"{recipients} outcomes; log:\n{mail.tail()}")
    return sorted(normal(mail, line) for line in lines() if re.match(r"pipe: |(qmgr|error): .*status=", line))


def story(mail, label, recipients, send):
    """What the log says and how the command was called."""
    mail.recorder.forget()
    start = len(mail.log_text())
    send(mail)
    lines = told(mail, start, len(recipients))
    calls = [{part: normal(mail, text) for part, text in call.items()} for call in mail.recorder.calls(label)]
    for call in calls:
        # Queue ids are of different lengths, and part of the size.
        call["words"] = re.sub(r"(<size=|(?<!.)<)\d{3,}>", r"\1N>", call["words"])
    return lines, sorted(calls, key=str)


def by_sendmail(recipients, sender, text, *options):
    return lambda mail: mail.sendmail(*options, "-i", "-f", sender, "--", *recipients, input=text)


def compare(pair, label, recipients, sender=SENDER, text=BODY, options=()):
    stock, ours = [story(mail, label, recipients, by_sendmail(recipients, sender, text, *options)) for mail in pair]
    if len(recipients) > 1:
        # The queue managers give them in different orders.
        for call in stock[1] + ours[1]:
            call["words"] = sorted(call["words"].splitlines())
    assert ours[0] == stock[0]
    assert ours[1] == stock[1]
    return ours


PLAIN = [label for label in SERVICES if label not in ("ends", "slow", "several", "severalo", "filtered", "back")]


@pytest.mark.parametrize("label", PLAIN)
def test_a_command_is_called_as_in_stock(pair, label):
    lines, _ = compare(pair, label, [f"Us.Er+E-x@{label}.test"])
    assert lines


@pytest.mark.parametrize("label", ["names", "fold", "quotefold", "path", "fromline", "all", "nosender", "othersender", "bracedsender"])
def test_the_null_sender_is_replaced_as_in_stock(pair, label):
    compare(pair, label, [f"user@{label}.test"], sender="<>")


ODD = ['"A b"', '"a\\\\\\"B"', "a..b", "a.", "postmaster+x", "owner-x", "x-request", "+x", "x+", '"a@b"', "B\u00c4r+\u00c9", "STRA\u1e9eE\u00df", "\u03a3\u0391\u03a3"]


@pytest.mark.parametrize("label", ["names", "fold", "quotefold", "mixed", "fromline", "todelivered"])
def test_odd_addresses_are_words_as_in_stock(pair, label):
    """All at once: one call a recipient, or words for each."""
    for local in ODD if label in ("quotefold", "fromline") else ODD[:1]:
        compare(pair, label, [f"{local}@{label.upper()}.test"], sender=f"{local}@example.com")
    compare(pair, label, [f"{local}@{label.upper()}.test" for local in ODD])


@pytest.mark.parametrize("label", ["names", "fold", "forms", "mixed", "plain", "nosender"])
def test_a_word_is_repeated_for_each_recipient_as_in_stock(pair, label):
    _, calls = compare(pair, label, [f"a+1@{label}.test", f"B@sub.{label}.test", f"c+@{label}.test"])
    assert len(calls) == 1


def test_the_original_recipient_is_told_as_in_stock(pair):
    compare(pair, "names", ["Alias@forms.test"])
    compare(pair, "fold", ["Alias@fold.test"])


SHAPES = {
    "nothing": "",
    "empty line": "\n",
    "no body": "Subject: y\n",
    "empty body": "Subject: y\n\n",
    "From and blank at the end": "Subject: y\n\nFrom ",
    "From at the end": "Subject: y\n\nFrom",
    "dot at the end": "Subject: y\n\n.",
    "long": "Subject: y\n\n" + "F" * 70000 + "\nFrom x\n" + ".\n" * 40000,
    "CR": "Subject: y\n\na\r\nb\n",
    "From first": "From z\nSubject: y\n\nb\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_messages_of_any_shape_are_fed_as_in_stock(pair, shape):
    for label in ("all", "dots", "plain"):
        compare(pair, label, [f"user@{label}.test"], text=SHAPES[shape])


def test_a_client_is_named_as_in_stock(pair):
    def send(mail):
        with mail.smtp() as client:
            client.hello()
            assert client.deliver(SENDER, "user@names.test", BODY).code == 250

    stock, ours = [story(mail, "names", ["user"], send) for mail in pair]
    assert ours == stock


def test_a_message_that_is_too_large_is_returned_as_in_stock(pair):
    compare(pair, "size", ["user@size.test"], text="Subject: x\n\n" + "0123456789\n" * 300)


@pytest.mark.parametrize("label", ["todelivered", "all", "path"])
def test_a_loop_ends_as_in_stock(pair, label):
    address = f"User@{label}.test"
    compare(pair, label, [address], text=f"Delivered-To: {address.lower()}\nSubject: x\n\nhello\n")
    compare(pair, label, [f"b\u00e4r@{label}.test"], text=f"Delivered-To: B\u00c4R@{label}.test\nSubject: x\n\nhello\n")
    compare(pair, label, [address], text=f"Subject: x\nDelivered-To: other@{label}.test\n\nDelivered-To: {address}\n")


@pytest.mark.parametrize("label", ["several", "severalo"])
def test_a_header_for_one_recipient_wants_one_as_in_stock(pair, label):
    compare(pair, label, [f"a@{label}.test", f"b@{label}.test"])
    compare(pair, label, [f"a@{label}.test"])


ENDS = {
    "silent": "exit 0",
    "output": "echo 'all  done'; echo; echo again; exit 0",
    "odd output": "printf 'a\\tb\\rc\\001\\303\\244'; exit 0",
    "broken UTF-8": r"printf '\344 \303 \303\244 \303( \240 \300\257 \360\237\230\200 \200'; exit 0",
    "code and success": "echo 5.1.1 no; exit 0",
    **{f"status {n}": f"exit {n}" for n in (1, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 126, 127, 200, 255)},
    "status 67 and output": "echo who is that >&2; exit 67",
    "status 99 and output": "echo first; echo second >&2; exit 99",
    "temporary code": "echo '4.2.2   mailbox   full '; exit 67",
    "final code": "echo 5.7.1 never; exit 75",
    "code alone": "echo 5.7.1; exit 75",
    "code after blanks": "echo ' 5.7.1 never'; exit 75",
    "code with tail": "echo 5.7.1x never; exit 75",
    "long code": "echo 5.7777.1 never; exit 75",
    "signal": "echo dying; kill -TERM $$",
    "kill": "kill -KILL $$",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_command_means_what_it_does_in_stock(pair, end):
    for mail in pair:
        mail.recorder.behave("ends", ENDS[end])
    compare(pair, "ends", ["user@ends.test"])


def test_a_command_that_hangs_is_ended_as_in_stock(pair):
    for mail in pair:
        mail.recorder.behave("slow", "echo so far; sleep 1000")
    compare(pair, "slow", ["user@slow.test"])


@pytest.mark.parametrize("end", ["printf marker; exit 75", "echo x; exit 0", "exit 67"])
def test_a_filter_changes_what_is_said_as_in_stock(pair, end):
    for mail in pair:
        mail.recorder.behave("filtered", end)
    compare(pair, "filtered", ["user@filtered.test"])


REPORTED = r"(?m)^(?:Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code|Remote-MTA|Subject): .*(?:\n[ \t].*)*"


@pytest.mark.parametrize("label,end", [("plain", "exit 0"), ("final", "exit 0"), ("ends", "exit 67"), ("ends", "echo no room; exit 73"),
                                       ("ends", "echo 5.2.2 full; exit 73"), ("ends", "exit 99"), ("ends", "echo x; exit 99"),
                                       ("slow", "echo on; sleep 1000"), ("slow", "sleep 1000")])
def test_reports_are_stocks(pair, label, end):
    found = []
    for mail in pair:
        mail.recorder.behave(label, end)
        mail.recorder.forget()
        mail.sendmail("-i", "-N", "success,failure", "-f", "who@back.test", f"user@{label}.test", input=BODY)
        report = mail.recorder.wait_calls("back")[0]["input"]
        mail.recorder.behave(label, "exit 0")
        found.append([normal(mail, line) for line in re.findall(REPORTED, report)])
    assert found[1] == found[0]
    assert any("Action" in line for line in found[1])
