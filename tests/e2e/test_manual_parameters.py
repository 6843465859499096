# SPDX-License-Identifier: Apache-2.0
"""What postconf(5) says at length of parameters (man/parameters): those that most sites set are there, and their values and examples are taken."""

import re

import pytest
from support.instance import SOURCE

FILES = sorted((SOURCE / "man/parameters").glob("*.text"))
TEXTS = {name: text for path in FILES for name, text in re.findall(r"(?ms)^\[(\S+)\]\n(.*?)(?=^\[|\Z)", path.read_text())}
# What stands for a word of the administrator's.
WORDS = {
    "ADDRESS": "192.0.2.7", "BITS": "24", "DOMAIN": "example.com", "FILE": "etc/hostname", "HOST": "mail.example.com", "PATH": "milter", "NAME": "localhost",
    "NETWORK": "192.0.2.0", "NUMBER": "7", "PORT": "587", "TABLE": "{a=a}", "TYPE": "inline",
}

# What is said of an example because this host is not the one that it is for.
OF_THIS_HOST = r"mail\.example\.com has no address|cannot connect to|nobody listens at|no certificate is named|will be removed; instead" \
               r"|this host has no address|without smtp_sasl_password_maps|needs validated answers|nobody is believed to vouch|virtual_mailbox_base is empty|holds no queue yet"
# Of which check has nothing to say under this name: the service that uses it does.
NOT_CHECKED = {
    "unverified_recipient_tempfail_action", "unverified_sender_tempfail_action",
    "address_verify_map", "default_database_type", "defer_transports", "parent_domain_matches_subdomains",
    "dovecot_destination_recipient_limit", "home_mailbox", "master_service_disable", "lmtp_destination_recipient_limit", "milter_default_action",
    "milter_protocol", "postscreen_access_list", "smtpd_sasl_path", "smtpd_tls_dh1024_param_file",
}
# Without one of these behind them, words that permit would let nobody in.
ENDS = {"smtpd_relay_restrictions": ", reject"}


def values(text):
    """Each value of a list, with the capitals filled in."""
    for value in re.findall(r"(?m)^- (.*?):\s", text):
        yield re.sub(r"\b[A-Z]{3,}\b", lambda word: WORDS.get(word[0], word[0]), value)


def examples(text):
    return re.findall(r"(?m)^    (\w+) = (.*(?:\n     +\S.*)*)$", text)


def complaints(mail, settings):
    """What check says of these parameters, each set at one time."""
    original = dict(mail.main)
    mail.set(**{name: value.replace("/etc/merpati", str(mail.config)) for name, value in settings})
    said = mail.control("check", check=False).stderr
    mail.set(**{name: original.get(name) for name, value in settings})
    names = "|".join(name for name, value in settings)
    return [line for line in said.splitlines() if re.search(rf"\b({names})\b", line) and not re.search(OF_THIS_HOST, line)]


@pytest.fixture(scope="module")
def mail(request):
    from support.instance import Merpati
    instance = Merpati(services=["dovecot unix - n n - - pipe user=nobody argv=/bin/true"])
    instance.set(maillog_file_prefixes=f"{instance.directory}, /var, /dev/stdout")
    for name in set(re.findall(r"hash:/etc/merpati/([\w.]+)", "".join(TEXTS.values()))):
        (instance.config / name).write_text("a@example.com a\n")
        (instance.config / name).chmod(0o600)
        instance.command("postmap", f"hash:{instance.config}/{name}")
    for name in set(re.findall(r"(?:pcre|regexp|cidr):/etc/merpati/([\w.]+)", "".join(TEXTS.values()))):
        (instance.config / name).write_text("")
    instance.start()
    instance.stop()
    yield instance
    instance.finish()


def test_what_most_sites_set_has_a_text_in_the_page():
    names = (SOURCE / "man/parameters/most-used").read_text().split()
    assert len(names) > 140 and not set(names) - set(TEXTS)
    shown = (SOURCE / "man/postconf.5").read_text()
    for name, text in TEXTS.items():
        assert f".It Va {name}\n{text.split(chr(10))[0].split('. ')[0].split(' (')[0][:40]}" in shown, name


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if list(values(text))])
def test_each_value_is_taken(mail, name):
    for value in values(TEXTS[name]):
        assert complaints(mail, [(name, value + ENDS.get(name, ""))]) == [], value


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if list(values(text)) and name not in NOT_CHECKED
                                  and not re.search(r"(?m)^- .*[A-Z]{3,}.*:\s|^- \$", text)])
def test_a_value_that_the_list_does_not_have_is_refused(mail, name):
    assert complaints(mail, [(name, "nonsense")]) != []


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if examples(text)])
def test_each_example_is_taken(mail, name):
    assert complaints(mail, examples(TEXTS[name])) == []
