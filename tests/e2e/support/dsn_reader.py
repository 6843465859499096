# SPDX-License-Identifier: Apache-2.0
"""Reads delivery status notifications as RFC 6522, 3464 and 6533 define them, and raises ValueError at whatever breaks these."""

import email
import email.policy
import re
from dataclasses import dataclass, field

ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}
# Of sendmail -bv, as in Postfix.
ROUTE_ACTIONS = {"deliverable", "undeliverable"}
MESSAGE_FIELDS = {"original-envelope-id", "reporting-mta", "dsn-gateway", "received-from-mta", "arrival-date"}
RECIPIENT_FIELDS = {"original-recipient", "final-recipient", "action", "status", "remote-mta", "diagnostic-code",
                    "last-attempt-date", "final-log-id", "will-retry-until", "localized-diagnostic"}
TYPED = {"reporting-mta", "remote-mta", "final-recipient", "original-recipient", "diagnostic-code", "dsn-gateway"}
FIELD = re.compile(r"([!-9;-~]+):[ \t]?(.*)$", re.S)


@dataclass
class Report:
    text: str
    fields: dict
    recipients: list = field(default_factory=list)
    original_type: str = ""
    original: str = ""
    is_global: bool = False

    def actions(self):
        return {r["final-recipient"][1]: r["action"] for r in self.recipients}


def _require(condition, what):
    if not condition:
        raise ValueError(what)


def _fields(block, known):
    found = {}
    for line in re.sub(r"\n[ \t]+", " ", block).split("\n"):
        match = FIELD.match(line)
        _require(match, f"not a field: {line!r}")
        name, value = match.group(1).lower(), match.group(2).strip()
        _require(name in known or name.startswith("x-"), f"unknown field {name}")
        _require(name not in found, f"{name} twice")
        _require(value, f"{name} is empty")
        if name in TYPED:
            kind, separator, rest = value.partition(";")
            _require(separator and re.fullmatch(r"[A-Za-z0-9-]+", kind.strip()), f"{name} has no type: {value!r}")
            value = (kind.strip(), rest.strip())
        found[name] = value
    return found


def _recipient(block, is_global):
    fields = _fields(block, RECIPIENT_FIELDS)
    for name in ("final-recipient", "action", "status"):
        _require(name in fields, f"a recipient without {name}")
    _require(fields["action"] in ACTIONS | ROUTE_ACTIONS, f"action {fields['action']!r}")
    _require(re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", fields["status"]), f"status {fields['status']!r}")
    classes = {"failed": "5", "delayed": "4", "delivered": "2", "relayed": "2", "expanded": "2"}
    _require(fields["status"][0] in classes.get(fields["action"], "245"), f"{fields['action']} with {fields['status']}")
    _require(fields["final-recipient"][0] in (("rfc822", "utf-8") if is_global else ("rfc822",)), "type of the recipient")
    if fields["final-recipient"][0] == "rfc822":
        _require(fields["final-recipient"][1].isascii(), "an rfc822 recipient beyond ASCII")
    return fields


def read_report(text):
    """Of a message as text with LF, its header on top."""
    message = email.message_from_string(text, policy=email.policy.default)
    _require(message.get_content_type() == "multipart/report", message.get_content_type())
    _require(message.get_param("report-type") == "delivery-status", "report-type")
    _require(not message.defects, message.defects)
    _require(all(len(line.encode()) <= 998 for line in text.split("\n")), "a line is too long")
    for name in ("From", "To", "Date", "Subject", "Message-Id", "Auto-Submitted", "MIME-Version"):
        _require(len(message.get_all(name, [])) == 1, f"{name} is there {len(message.get_all(name, []))} times")
    # Python reads the parts of a delivery-status as messages; here they are read by hand.
    boundary = message.get_boundary()
    _require(0 < len(boundary) <= 70, "boundary")
    parts = re.split(rf"(?m)^--{re.escape(boundary)}(?:--)?\n?", text)[1:]
    _require(parts[-1].strip() == "" and len(parts) == 4, f"{len(parts) - 1} parts")
    heads, bodies = zip(*(part.split("\n\n", 1) for part in parts[:3]))
    types = [email.message_from_string(head + "\n\n", policy=email.policy.default).get_content_type() for head in heads]
    is_global = types[1] == "message/global-delivery-status"
    _require(types[0] == "text/plain" and (is_global or types[1] == "message/delivery-status"), f"{types}")
    allowed = ("message/global", "message/global-headers") if is_global else ("message/rfc822", "text/rfc822-headers")
    _require(types[2] in allowed, f"{types}")
    _require(is_global or bodies[1].isascii(), "a delivery-status beyond ASCII")
    blocks = [block for block in re.split(r"\n\n+", bodies[1].strip("\n")) if block]
    fields = _fields(blocks[0], MESSAGE_FIELDS)
    _require("reporting-mta" in fields and len(blocks) > 1, "no Reporting-MTA, or no recipient")
    report = Report(bodies[0], fields, [_recipient(block, is_global) for block in blocks[1:]], types[2], bodies[2], is_global)
    for recipient in report.recipients:
        # People are told of the same ones.
        shown = re.sub(r"\s+", " ", report.text)
        _require(f"<{recipient['final-recipient'][1]}>" in shown, f"{recipient['final-recipient'][1]} is not in the text")
    return report
