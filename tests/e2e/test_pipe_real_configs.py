# SPDX-License-Identifier: Apache-2.0
"""Every pipe service of real sites' master.cf, and of Debian's, calls its command as under stock Postfix."""

import os
import re
from pathlib import Path

import pytest
from support.instance import SOURCE, Merpati, Stock
from support.recorder import Recorder, normal
from support.waiting import wait_until

USER = "merpati-test"
VECTORS = Path(os.environ.get("MERPATI_VECTORS", SOURCE.parent / "shared" / "vectors")) / "real-configs"
DEBIAN = [Path("/etc/postfix/master.cf.proto"), Path("/usr/share/postfix/master.cf.dist")]


def logical_lines(text):
    """A comment's example counts too, where it has all its words."""
    text = re.sub(r"(?m)^#\s*(?=\S+\s+unix\s+-\s+n\s+n\s.*\bpipe\b)", "", text)
    text = re.sub(r"(?m)^#(?=[ \t]+(?:flags|user|argv)=)", "", text)
    lines = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return lines


def services():
    """(file, attributes) of each line that differs."""
    found = {}
    for path in [*sorted(VECTORS.glob("*/master.cf")), *DEBIAN]:
        if not path.exists():
            continue
        for line in logical_lines(path.read_text()):
            words = line.split(None, 8)
            if len(words) == 9 and words[7] == "pipe" and "argv=" in words[8]:
                found.setdefault(" ".join(words[8].split()), f"{path.parent.name}-{words[0]}")
    return {name: attributes for attributes, name in found.items()}


SERVICES = services()


def adapt(attributes, mail, label):
    """The command is the recorder, and its user one that is there."""
    attributes = re.sub(r"user=\S*", f"user={USER}", attributes)
    return re.sub(r"argv=(\S+)", rf"argv={mail.recorder.path} {label} \1", attributes)


def prepare(kind, made):
    mail = kind(main={"recipient_delimiter": "+", "undisclosed_recipients_header": ""})
    made.append(mail)
    mail.recorder = Recorder(mail)
    labels = {f"s{number}": attributes for number, attributes in enumerate(SERVICES.values())}
    table = "".join(f"{label}.test {label}:Next.{label}.test\n" for label in labels)
    mail.set(transport_maps="texthash:" + str(mail.write("transport", f"example.com discard:\n{table}")),
             **{f"{label}_destination_recipient_limit": "1" for label, attributes in labels.items() if re.search(r"flags=\S*[DO]", attributes)})
    mail.services += [f"{label} unix - n n - - pipe {adapt(attributes, mail, label)}" for label, attributes in labels.items()]
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


def story(mail, label, sender, recipients):
    mail.recorder.forget()
    start = len(mail.log_text())
    mail.sendmail("-f", sender, *recipients, input="Subject: x\n\nFrom here\n.dot\nhello\n")

    def lines():
        return re.findall(r"pipe\[\d+\]: (.*)", mail.log_text()[start:])

    wait_until(lambda: sum("status=" in line for line in lines()) >= len(recipients), lambda: f"an outcome; log:\n{mail.tail()}")
    calls = [{part: normal(mail, text) for part, text in call.items()} for call in mail.recorder.calls(label)]
    return sorted(normal(mail, line) for line in lines()), sorted(calls, key=str)


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no {VECTORS}: only Debian's services are there")
def test_the_vectors_have_services():
    assert len(SERVICES) > 8


@pytest.mark.skipif(not SERVICES, reason="neither vectors nor Debian's master.cf are here")
@pytest.mark.parametrize("name", SERVICES)
def test_a_real_service_calls_its_command_as_in_stock(pair, name):
    label = f"s{list(SERVICES).index(name)}"
    for sender, recipients in [("Some.One@example.com", [f"First+Ext@{label}.Test"]), ("<>", [f"second@{label}.test"]),
                               ("a@example.com", [f"one@{label}.test", f"Two+x@{label}.test"])]:
        stock, ours = [story(mail, label, sender, recipients) for mail in pair]
        if len(recipients) > 1:
            # The queue managers give them in different orders.
            for call in stock[1] + ours[1]:
                call["words"] = sorted(call["words"].splitlines())
        assert ours == stock
        assert ours[1], ours[0]
