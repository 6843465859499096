# SPDX-License-Identifier: Apache-2.0
"""merpati check tells what is wrong, what is not acted on, and changes nothing."""

import grp
import os
import pwd
import re
import shutil
import socket
import time

import pytest
from support.instance import IS_ROOT
from support.waiting import free_port


def test_a_sound_configuration_gives_no_word_and_no_failure(merpati):
    mail = merpati()
    checked = mail.control("check")
    assert checked.returncode == 0
    assert "error" not in checked.stderr


def test_names_that_are_unknown_or_not_acted_on_are_told_with_the_file(make_merpati):
    mail = make_merpati(main={"smtpd_banner_typo": "x", "tcp_windowsize": "65536"})
    checked = mail.control("check", check=False)
    lines = checked.stderr.splitlines()
    for name in ("smtpd_banner_typo", "tcp_windowsize"):
        assert any(f"{mail.config}/main.cf" in line and name in line for line in lines), checked.stderr


def test_a_bad_value_fails_and_the_rest_is_checked_all_the_same(make_merpati):
    mail = make_merpati(main={"default_process_limit": "many", "smtpd_timeout": "long"})
    mail.services.append("nosuch unix - - n - 1 nosuchd")
    mail.write_config()
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    for word in ("default_process_limit", "smtpd_timeout", "nosuch/unix"):
        assert word in checked.stderr


def test_a_word_that_no_list_has_is_told_of_each_program_that_would_refuse_it(make_merpati):
    names = ["mailbox_delivery_lock", "virtual_mailbox_lock", "allow_mail_to_commands", "allow_mail_to_files", "propagate_unmatched_extensions",
             "prepend_delivered_header", "notify_classes", "canonical_classes", "masquerade_classes", "receive_override_options",
             "smtp_host_lookup", "smtp_dns_resolver_options", "smtp_pix_workarounds", "smtputf8_autodetect_classes"]
    mail = make_merpati(main={name: "foo" for name in names})
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    for name in names:
        assert checked.stderr.count(f'unknown {name} value "foo": {name} = foo: write any of:') == 1, checked.stderr


def test_wrong_owners_and_modes_are_told_and_put_right_by_the_next_start(make_merpati):
    if not IS_ROOT:
        pytest.skip("owners differ only as root")
    mail = make_merpati()
    mail.start()
    mail.stop()
    (mail.queue / "maildrop").chmod(0o777)
    checked = mail.control("check")
    assert "maildrop has mode 0777, which should be 1730" in checked.stderr
    mail.start()
    assert "maildrop" not in mail.control("check").stderr


def test_a_directory_that_services_cannot_pass_is_named(make_merpati):
    if not IS_ROOT:
        pytest.skip("services give up root only as root")
    mail = make_merpati()
    mail.directory.chmod(0o700)
    failed = mail.control("start", check=False)
    assert failed.returncode == 1
    assert f"directory {mail.directory} (mode 0700) does not let mail_owner, net_owner and map_owner pass" in failed.stderr


def test_tables_that_cannot_be_opened_are_told_with_their_line(make_merpati):
    mail = make_merpati(
        main={
            "alias_maps": "hsah:/etc/aliases",
            "virtual_alias_maps": "hash:/nowhere/virtual",
            "smtpd_recipient_restrictions": "check_policy_service inet:127.0.0.1:9, check_client_access texthash:/nowhere/access",
        }
    )
    told = mail.control("check").stderr
    for parameter, word in (
        ("alias_maps", "unsupported dictionary type: hsah"),
        ("virtual_alias_maps", "/nowhere/virtual.db: No such file"),
        ("smtpd_recipient_restrictions", "/nowhere/access: No such file"),
    ):
        assert any(f" {parameter}: " in line and word in line and ", line " in line for line in told.splitlines()), told
    assert "inet:127.0.0.1:9:" not in told


def test_names_of_what_is_not_there_are_told_with_their_line(make_merpati):
    mail = make_merpati(main={
        "default_privs": "nosuchuser", "mailbox_transport": ":x", "fallback_transport": "nosuch:x", "best_mx_transport": "local:x",
        "smtp_fallback_relay": "[], [127.0.0.1]:10025, host.test", "trace_service_name": "bounces", "defer_service_name": "bounce",
        "relay_transport": "$default_transport", "default_transport": "nowhere", "virtual_transport": "error:no virtual users",
    })
    told = mail.control("check").stderr
    lines = (mail.config / "main.cf").read_text().splitlines()

    def expect(name, value, words):
        number = next(i for i, line in enumerate(lines, 1) if line.startswith(f"{name} ="))
        assert f"{mail.config}/main.cf, line {number}: {name} = {value}: {words}" in told

    expect("default_privs", "nosuchuser", "there is no such user")
    expect("mailbox_transport", ":x", "no service is named before the colon")
    for name, value in (("fallback_transport", "nosuch:x"), ("trace_service_name", "bounces"), ("relay_transport", "nowhere"),
                        ("default_transport", "nowhere")):
        expect(name, value, "master.cf has no service of this name")
    expect("smtp_fallback_relay", "[]", "write [host] or [host]:port")
    assert told.count(f"warning: {mail.config}/main.cf, line ") == 8  # With myhostname


def test_a_reload_that_would_be_refused_says_so(merpati):
    mail = merpati()
    mail.set(mail_owner="nobodyy", maillog_file="/nowhere/maillog")
    mail.write_config()
    refused = mail.control("reload", check=False)
    assert refused.returncode == 1
    assert "nobodyy" in refused.stderr or not IS_ROOT
    mail.set(mail_owner="merpati")
    mail.write_config()
    refused = mail.control("reload", check=False)
    assert refused.returncode == 1
    assert "/nowhere/maillog does not begin with one of maillog_file_prefixes" in refused.stderr


@pytest.mark.parametrize("main, services, reason", [
    ({"mynetworks": "10.0.0.1/8"}, [], "non-null host address bits"),
    ({"smtpd_timeout": "long"}, [], "smtpd_timeout = long"),
    ({}, ["2999 inet n - n - - smtpd -o message_size_limit=abc"], "message_size_limit = abc"),
    ({"spool_journal_limit": "8388608"}, [], "spool_journal_limit must hold two segments"),
    ({"maillog_file": "/nowhere/maillog"}, [], "does not begin with one of maillog_file_prefixes"),
])
def test_what_a_reload_refuses_a_start_refuses_too(make_merpati, main, services, reason):
    mail = make_merpati(main=main, services=services)
    for verb in ("start", "start-fg"):
        refused = mail.control(verb, check=False)
        assert refused.returncode == 1
        assert reason in refused.stderr
        assert 'fatal: the mail system is not started: "merpati check" tells why' in refused.stderr
        assert not (mail.queue / "pid").exists()


def test_a_table_that_is_not_there_stops_no_start(make_merpati):
    """Not even of mynetworks: it may come later, and what can be done without it is done."""
    mail = make_merpati(main={"mynetworks": "127.0.0.0/8, hash:/nosuch", "virtual_alias_maps": "hash:/nosuch"})
    mail.start()
    mail.wait_log(r"/merpati\[\d+\]: warning: \S+/main\.cf, line \d+: mynetworks: hash:/nosuch is unavailable")
    mail.wait_log(r"/merpati\[\d+\]: warning: \S+/main\.cf, line \d+: virtual_alias_maps: hash:/nosuch: ")


def test_an_option_without_a_value_is_told(make_merpati):
    mail = make_merpati(services=["2999 inet n - n - - smtpd -o mynetworks"])
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert "2999/inet: -o mynetworks: write -o name=value" in checked.stderr


def test_restrictions_that_are_not_known_are_told(make_merpati):
    mail = make_merpati(
        main={
            "smtpd_restriction_classes": "my_class",
            "my_class": "permit",
            "smtpd_recipient_restrictions": "permit_mynetworks, my_class, reject_unauth_dest, check_relay_domains, reject_unauth_destination",
        }
    )
    told = mail.control("check").stderr
    assert "smtpd_recipient_restrictions: this version has no restriction reject_unauth_dest:" in told
    assert "smtpd_recipient_restrictions: this version has no restriction check_relay_domains:" in told
    for known in ("permit_mynetworks:", "my_class:", "reject_unauth_destination:"):
        assert f"no restriction {known}" not in told


def lines_of(mail, text):
    """What is told of main.cf, by parameter: "name: what"."""
    return [line.partition(": ")[2] for line in re.findall(r"main\.cf, line \d+(: .*)", text)]


def test_arguments_of_restrictions_are_judged(make_merpati):
    mail = make_merpati(main={
        "smtpd_restriction_classes": "my_class",
        "my_class": "check_sender_access nosuch, permit_mynetwork",
        "smtpd_client_restrictions": "sleep soon, reject_rbl_client reject_unauth_pipelining, reject_rbl_client bl.test=127.0.0.[2;300], "
                                     "permit_dnswl_client wl.test=127.0.[0..3].2, reject_rbl_client",
        "smtpd_helo_restrictions": "check_policy_service {unix:private/x, timeout=soon}, check_policy_service {unix:private/y, timeout=5s}, "
                                   "check_policy_service inet:127.0.0.1:nosuchport, warn_if_reject check_policy_service private/z",
        "smtpd_data_restrictions": "foo, check_helo_access {inline:{a=b}, nosuch:x}",
        "smtpd_end_of_data_restrictions": "check_client_access",
        "smtpd_etrn_restrictions": "sleep 1, my_class, MY_CLASS, check_etrn_access inline:{a=b}",
    })
    later = ": mail that comes to it is deferred"
    checked = mail.control("check")
    # Who listens is another matter.
    judged = [line for line in lines_of(mail, checked.stderr) if not re.search("nobody listens at |: inet:", line)]
    assert sorted(line for line in judged if "restrictions" in line or "class" in line) == sorted([
        'my_class: restriction check_sender_access: bad argument "nosuch": need maptype:mapname' + later,
        "my_class: this version has no restriction permit_mynetwork: is permit_mynetworks meant?" + later,
        'smtpd_client_restrictions: restriction sleep must be followed by a number of seconds, not by "soon"' + later,
        'smtpd_client_restrictions: restriction reject_rbl_client requires domain name argument, which "reject_unauth_pipelining" is not',
        'smtpd_client_restrictions: reject_rbl_client bl.test: bad filter "127.0.0.[2;300]": need four numbers as in 127.0.0.[2;4..8], each '
        "from 0 to 255" + later,
        "smtpd_client_restrictions: restriction reject_rbl_client requires domain name argument: it is passed over",
        'smtpd_helo_restrictions: check_policy_service: unix:private/x: "timeout=soon" is no setting of a policy service' + later,
        'smtpd_helo_restrictions: check_policy_service: "127.0.0.1:nosuchport": no port of that name' + later,
        'smtpd_helo_restrictions: check_policy_service: "private/z": need unix:path or inet:host:port' + later,
        "smtpd_data_restrictions: this version has no restriction foo" + later,
        "smtpd_data_restrictions: nosuch:x: unsupported dictionary type: nosuch" + later,
        "smtpd_end_of_data_restrictions: restriction check_client_access must be followed by type:table" + later,
    ])


def test_lists_that_cannot_be_read_are_told_with_their_line(make_merpati):
    mail = make_merpati(main={
        "mydestination": "$myhostname, hash:/nosuch",
        "relay_domains": "/nosuch/domains",
        "smtpd_authorized_xclient_hosts": "10.0.0.1/8",
        "transport_maps": "/etc/transport",
        "smtpd_command_filter": "pcre:/nosuch/filter",
    })
    told = lines_of(mail, mail.control("check").stderr)
    waits = ": what asks it waits until this is put right"
    for line in (
        "mydestination: hash:/nosuch is unavailable: open database /nosuch.db: No such file or directory" + waits,
        "relay_domains: open /nosuch/domains: No such file or directory" + waits,
        'smtpd_authorized_xclient_hosts: non-null host address bits in "10.0.0.1/8", perhaps you should use "10.0.0.0/8" instead' + waits,
        'transport_maps: /etc/transport: open dictionary: expecting "type:name" form instead of "/etc/transport": mail is deferred until '
        "this is put right",
        "smtpd_command_filter: pcre:/nosuch/filter: open /nosuch/filter: No such file or directory: mail is deferred until this is put right",
    ):
        assert line in told, told


def test_a_domain_of_two_classes_is_told(make_merpati):
    """With the words that the log has for it once mail comes."""
    mail = make_merpati(main={
        "mydestination": "a.test, b.test, regexp:{{/^c[.]/ x}}",
        "virtual_alias_domains": "inline:{A.test=x}, d.test",
        "virtual_mailbox_domains": "B.test, c.test, D.test, e.test",
        "virtual_mailbox_base": "/var/mail/vhosts",
    })
    told = mail.control("check").stderr
    for line in ("a.test in BOTH mydestination and virtual_alias_domains", "b.test in BOTH mydestination and virtual_mailbox_domains",
                 "c.test in BOTH mydestination and virtual_mailbox_domains",
                 "d.test in BOTH virtual_alias_domains and virtual_mailbox_domains"):
        assert told.count(f"warning: do not list domain {line}\n") == 1, told
    assert told.count("do not list") == 4 and "virtual_mailbox_base" not in told


def test_virtual_mailboxes_without_a_base_are_told(make_merpati):
    mail = make_merpati(main={"virtual_mailbox_domains": "v.test"})
    words = "virtual_mailbox_base is empty: mail to virtual_mailbox_domains waits until it names a directory"
    assert words in mail.control("check").stderr
    mail.set(virtual_transport="lmtp:unix:private/dovecot")
    mail.write_config()
    assert words not in mail.control("check").stderr


def test_restrictions_and_tables_of_options_are_told_with_their_service(make_merpati):
    port = free_port()
    mail = make_merpati(
        services=[f"127.0.0.1:{port} inet n - n - - smtpd\n  -o {{ smtpd_client_restrictions = permit_mynetworks, reject_rbl_klient x.test }}"
                  "\n  -o smtpd_sender_restrictions=check_sender_access,hash:/no/such/table"]
    )
    told = mail.control("check").stderr
    service = f"master.cf: service 127.0.0.1:{port}/inet: -o "
    assert f"{service}smtpd_client_restrictions: this version has no restriction reject_rbl_klient:" in told
    assert f"{service}smtpd_sender_restrictions: hash:/no/such/table: " in told
    assert "no restriction permit_mynetworks" not in told


@pytest.mark.parametrize("lists, stops", [
    (("", ""), False),
    (("permit_mynetworks", "warn_if_reject reject_unauth_destination"), False),
    (("", "permit_mynetworks, reject_unauth_destination"), True),
    (("permit_mynetworks, reject", ""), True),
])
def test_lists_that_would_let_strangers_relay_are_told(make_merpati, lists, stops):
    mail = make_merpati(main={"smtpd_relay_restrictions": lists[0], "smtpd_recipient_restrictions": lists[1]})
    assert ("every recipient is deferred until one has" in mail.control("check").stderr) == (not stops)


def test_a_bad_network_is_told_with_its_line(make_merpati):
    mail = make_merpati(main={"mynetworks": "127.0.0.0/8, 10.0.0.1/8"})
    port = free_port()
    mail.services.append(f"127.0.0.1:{port} inet n - n - - smtpd -o mynetworks=192.0.2.0/33")
    mail.write_config()
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    lines = [line for line in checked.stderr.splitlines() if "mynetworks" in line]
    assert any(
        re.search(r'main\.cf, line \d+: mynetworks: non-null host address bits in "10\.0\.0\.1/8", perhaps you should '
                  r'use "10\.0\.0\.0/8" instead', line)
        for line in lines
    ), lines
    assert any(
        f'service 127.0.0.1:{port}/inet: -o mynetworks: bad mask length in "192.0.2.0/33"' in line for line in lines
    ), lines
    assert len(lines) == 2
    mail.set(mynetworks="127.0.0.0/8, [::1]/128, 10.0.0.0/8")
    mail.services.clear()
    mail.write_config()
    assert mail.control("check").returncode == 0


def test_a_bad_value_of_an_option_is_told_with_its_service(make_merpati):
    port = free_port()
    mail = make_merpati(
        services=[f"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_timeout=long -o {{ smtpd_hard_error_limit = 20 }}"]
    )
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert f"service 127.0.0.1:{port}/inet: -o: bad time value: smtpd_timeout = long: write a number" in checked.stderr
    assert "smtpd_hard_error_limit" not in checked.stderr


def test_a_bad_value_is_told_once_and_the_others_of_the_same_program_too(make_merpati):
    """ipc_timeout and delay_logging_resolution_limit belong to several programs."""
    mail = make_merpati(main={"ipc_timeout": "long", "smtpd_timeout": "longer", "smtpd_hard_error_limit": "many"})
    told = mail.control("check", check=False).stderr
    for name in ("ipc_timeout = long", "smtpd_timeout = longer", "smtpd_hard_error_limit = many"):
        assert told.count(name) == 1, told


def test_two_services_on_one_place_are_told_and_no_start_waits_for_it(make_merpati):
    mail = make_merpati()
    port = free_port()
    mail.services += [f"127.0.0.1:{port} inet n - n - - smtpd", f"localhost:{port} inet n - n - - smtpd"]
    mail.write_config()
    expected = rf"services 127\.0\.0\.1:{port}/inet \(line \d+\) and localhost:{port}/inet \(line \d+\) both listen on " \
               rf"127\.0\.0\.1 port {port}"
    for verb in ("check", "start"):
        failed = mail.control(verb, check=False)
        assert failed.returncode == 1
        assert re.search(expected, failed.stderr), failed.stderr
    assert "Address already in use" not in mail.log_text()
    mail.set(master_service_disable=f"localhost:{port}/inet")
    mail.write_config()
    assert mail.control("check").returncode == 0
    mail.start()


def test_a_protocol_that_is_none_is_told_once(make_merpati):
    mail = make_merpati(main={"inet_protocols": "ipv5"})
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert checked.stderr.count("inet_protocols") == 1
    assert re.search(r'error: \S+/main\.cf, line \d+: inet_protocols: "ipv5" is no protocol: write all, ipv4, ipv6 or ipv4, ipv6', checked.stderr)


def test_journal_limits_that_do_not_fit_together_are_told(make_merpati):
    mail = make_merpati(main={"spool_journal_limit": "8388608"})
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert "spool_journal_limit must hold two segments" in checked.stderr


def test_the_programs_of_another_mail_system_are_not_started(make_merpati):
    """A main.cf that came from Postfix may name Postfix's daemon_directory: its master must not get our queue."""
    mail = make_merpati()
    foreign = mail.directory / "foreign"
    foreign.mkdir()
    (foreign / "master").write_text("#!/bin/sh\ntouch started\n")
    (foreign / "master").chmod(0o755)
    own = mail.daemon_directory
    mail.set(daemon_directory=foreign)
    for verb in ("check", "start", "start-fg"):
        failed = mail.control(verb, check=False)
        assert failed.returncode == 1
        assert f"daemon_directory = {foreign} has no program spill of Merpati: write daemon_directory = {own}" in failed.stderr
    assert not (mail.queue / "started").exists() and not (mail.directory / "started").exists()


def test_what_has_nothing_to_do_here_is_told_with_the_reason(make_merpati):
    """And is no warning; options of services count, too."""
    mail = make_merpati(main={"readme_directory": "no", "in_flow_delay": "2s", "qmqpd_timeout": "30s"},
                        services=["2999 inet n - n - - smtpd -o ipc_ttl=5 -o { fork_delay = 2s }"])
    told = mail.control("check").stderr.splitlines()
    for end in (
        "readme_directory = no has nothing to do here: it tells where things were installed, and no program reads it",
        "in_flow_delay = 2s has nothing to do here: a full journal slows clients down: see spool_journal_limit",
        "qmqpd_timeout = 30s has nothing to do here: there is no qmqpd: mail comes in by SMTP or by sendmail",
        "2999/inet: -o ipc_ttl = 5 has nothing to do here: programs share channels that stay open as long as both ends "
        "live: see ipc_timeout",
        "2999/inet: -o fork_delay = 2s has nothing to do here: a process that cannot be started is tried again: see "
        "service_throttle_time",
    ):
        lines = [line for line in told if line.endswith(end)]
        assert len(lines) == 1 and "warning" not in lines[0], told


def test_a_usual_main_cf_of_postfix_starts_and_what_is_not_acted_on_is_named(make_merpati):
    later = {
        "requiretls_enable": "yes",
        "smtp_tlsrpt_enable": "no",
    }
    mail = make_merpati(main={**later, "proxy_read_maps": "proxy:mysql:/nowhere/maps.cf"})
    (mail.config / "main.cf").write_text("mydomain = first.test\n" + (mail.config / "main.cf").read_text())
    checked = mail.control("check")
    for name in later:
        lines = [line for line in checked.stderr.splitlines() if f" {name} = " in line or f" {name}: " in line]
        assert len(lines) == 1 and lines[0].endswith("this version does not act on the parameter yet"), lines
    assert "mail is deferred" not in checked.stderr
    assert checked.stderr.count("overriding earlier entry: mydomain=first.test") == 1
    assert "holds no queue yet: the next start makes it" in checked.stderr
    told = mail.control("start").stderr
    assert all(any(f" {name} = " in line and "does not act on" in line for line in told.splitlines()) for name in later), told
    mail.is_running = True
    mail.wait_log(r"/merpati\[\d+\]: warning: \S+/main\.cf, line \d+: smtp_tlsrpt_enable = \S+: this version does not act on the parameter yet")


def test_mail_filters_that_cannot_be_asked_are_told(make_merpati):
    mail = make_merpati(
        main={
            "smtpd_milters": "inet:127.0.0.1:25, { inet:127.0.0.1:26, nosuch=1 }",
            "non_smtpd_milters": "foo:bar",
            "milter_protocol": "5",
        }
    )
    told = mail.control("check").stderr
    waits = ": mail is deferred until this is put right"
    for line in (
        "smtpd_milters: bad protocol information: 5" + waits,
        "non_smtpd_milters: bad protocol information: 5" + waits,
    ):
        assert line in told
    mail.set(milter_protocol=None)
    told = mail.control("check").stderr
    assert "smtpd_milters: unknown option: nosuch=1" + waits in told
    assert "non_smtpd_milters: invalid transport name: foo in Milter service: foo:bar" + waits in told
    assert not [line for line in told.splitlines() if "127.0.0.1:25" in line and "nobody listens" not in line]


@pytest.mark.parametrize("parameter", ["smtp_tls_security_level", "lmtp_tls_security_level", "smtpd_tls_security_level"])
def test_a_level_of_tls_that_is_not_there_is_refused_before_anything_changes(merpati, parameter):
    """What goes on in its place would be what was in force before, which may be weaker."""
    mail = merpati()
    mail.set(**{parameter: "half-dane"})
    for verb in ("check", "reload"):
        done = mail.control(verb, check=False)
        assert done.returncode == 1 and f"{parameter} = half-dane" in done.stderr


def test_what_nobody_means_is_told_with_what_to_do(make_merpati):
    mail = make_merpati(
        main={
            "smtpd_recipient_restrictons": "reject",
            "myhostname": "mail.nosuch.invalid",
            "relayhost": "",
            "inet_interfaces": "127.0.0.1",
            "mynetworks": "127.0.0.0/8, 0.0.0.0/0",
            "smtpd_relay_restrictions": "permit_mynetworks, permit, reject_unauth_destination",
            "smtpd_recipient_restrictions": "reject_non_fqdn_recipient",
        }
    )
    table = mail.directory / "virtual"
    mail.set(virtual_alias_maps=mail.table("virtual", "a@example.com b\n"))
    later = table.stat().st_mtime + 60
    os.utime(table, (later, later))
    mail.services.append("spare unix - - n - 1 smtp -o smtp_helo_nam=x")
    mail.write_config()
    told = mail.control("check", check=False).stderr
    for word in (
        "there is no parameter smtpd_recipient_restrictons: is smtpd_recipient_restrictions meant?",
        "service spare/unix: there is no parameter smtp_helo_nam: is smtp_helo_name meant?",
        "mynetworks has the whole Internet: everybody may send mail to anybody",
        '"permit" comes before all that refuses strangers',
        f"{table}.db is older than {table}: what was changed there is not in force: run postmap hash:{table}",
    ):
        assert word in told, told
    # Only where the DNS can be asked is it known.
    try:
        socket.getaddrinfo("mail.nosuch.invalid", None)
    except socket.gaierror as error:
        is_known = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
        assert ("myhostname = mail.nosuch.invalid has no address" in told) == is_known


def test_what_is_usual_is_not_advised_on(make_merpati):
    mail = make_merpati(
        main={
            "my_own": "example.com",
            "relay_domains": "$my_own",
            "mynetworks": "127.0.0.0/8, 10.0.0.0/8, 192.0.2.0/24",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination, permit",
            "smtpd_recipient_restrictions": "permit",
        }
    )
    told = mail.control("check").stderr
    for word in ("meant?", "whole Internet", "comes before", "older than"):
        assert word not in told


def test_postscreen_without_its_companions_is_told_of_with_the_lines_to_add(make_merpati):
    mail = make_merpati(main={"postscreen_dnsbl_sites": "list.example.test", "smtpd_tls_security_level": "may"})
    mail.master = "".join(line + "\n" for line in mail.master.splitlines() if not re.match(r"(dnsblog|tlsproxy)\s", line))
    mail.services.append(f"127.0.0.1:{free_port()} inet n - n - 1 postscreen -o smtpd_service_name=inner")
    mail.write_config()
    told = mail.control("check", check=False).stderr
    missing = re.findall(r'there is no service (\S+): .*: add the line "([^"]+)"', told)
    assert [name for name, _ in missing] == ["inner/pass", "dnsblog/unix", "tlsproxy/unix"], told
    mail.services += [line for _, line in missing]
    mail.write_config()
    assert "there is no service" not in mail.control("check", check=False).stderr
    # What is not asked for is not missed.
    mail.services = mail.services[:2]
    mail.set(postscreen_dnsbl_sites="", postscreen_tls_security_level="none")
    assert "there is no service" not in mail.control("check", check=False).stderr


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's instance has no map_owner")
def test_a_database_s_file_that_its_reader_cannot_read_is_told_with_what_to_do(make_merpati):
    mail = make_merpati()
    closed, opened = mail.directory / "closed.cf", mail.directory / "opened.cf"
    for path in (closed, opened):
        path.write_text("dbpath = /nonexistent\nquery = SELECT 1\n")
        path.chmod(0o640)
    user = mail.command("postconf", "-hx", "map_owner").stdout.strip()
    shutil.chown(opened, group=pwd.getpwnam(user).pw_gid)
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    mail.set(virtual_alias_maps=f"proxy:sqlite:{closed}, sqlite:{opened}", relocated_maps=f"sqlite:{closed}")
    checked = mail.control("check", check=False)
    assert checked.stderr.count("cannot read") == 1, checked.stderr
    assert f"cannot read {closed}: chgrp {group} {closed}; chmod 640 {closed}" in checked.stderr


@pytest.mark.parametrize("settings, told", [
    ({"myorigin": "/nonexistent/mailname"}, r"error: \S+/main\.cf, line \d+: myorigin: open /nonexistent/mailname: No such file or directory"),
    ({"mynetworks_style": "everything"}, r'error: \S+/main\.cf, line \d+: .*mynetworks_style = everything: write .*host.*subnet.*class.*'),
    ({"relayhost": "smtp://mail.example.com"}, r"warning: \S+/main\.cf, line \d+: relayhost = smtp://mail\.example\.com: write \[host\] or \[host\]:port: .*"),
    ({"relayhost": "[mail.example.com:587]"}, r"warning: \S+/main\.cf, line \d+: relayhost = \[mail\.example\.com:587\]: write \[host\] or \[host\]:port: .*"),
    ({"myhostname": '"mail.example.com"'}, r'warning: \S+/main\.cf, line \d+: myhostname = "mail\.example\.com" is no host name: write one as .*'),
    ({"myhostname": "192.0.2.1"}, r"warning: \S+/main\.cf, line \d+: myhostname = 192\.0\.2\.1 is no host name: write one as .*"),
    ({"smtpd_recipient_restrictions": "permit_mynetwork, reject_unauth_destination"},
     r"warning: \S+/main\.cf, line \d+: smtpd_recipient_restrictions: this version has no restriction permit_mynetwork: is permit_mynetworks meant\?: .*"),
    ({"alias_maps": "hash:PLACE/aliases"}, r"warning: \S+/main\.cf, line \d+: alias_maps: there is no \S+/aliases\.db: run postalias hash:\S+/aliases"),
    ({"postscreen_dnsbl_ttl": "5m"}, None),
    ({"relayhost": "[2001:db8::1]:25 [IPv6:2001:db8::2], [mail.example.com]:587 example.com:26"}, None),
], ids=lambda value: str(value)[:40])
def test_a_wrong_value_is_told_with_its_line_and_what_to_do(make_merpati, settings, told):
    mail = make_merpati()
    (mail.config / "aliases").write_text("a: b\n")
    mail.set(**{name: value.replace("PLACE", str(mail.config)) for name, value in settings.items()})
    checked = mail.control("check", check=False)
    lines = [line.removeprefix("merpati: ") for line in checked.stderr.splitlines()]
    if told is None:
        assert checked.returncode == 0 and not [line for line in lines if "main.cf, line" in line and "nothing to do here" not in line
                                              and " has no address: " not in line]
    else:
        assert any(re.fullmatch(told, line) for line in lines), checked.stderr
        assert checked.returncode == told.startswith("error")


def test_an_address_that_this_host_does_not_have_is_told(make_merpati):
    """192.0.2.0/24 is for examples, and nobody's."""
    mail = make_merpati(main={"inet_interfaces": "127.0.0.1, 192.0.2.7"})
    (told,) = [line for line in mail.control("check").stderr.splitlines() if "192.0.2.7" in line]
    assert re.search(r"main\.cf, line \d+: inet_interfaces: this host has no address 192\.0\.2\.7: ", told)


def test_what_no_start_would_take_is_refused_at_a_reload(make_merpati):
    mail = make_merpati().start()
    text = (mail.config / "main.cf").read_text()
    for line in ("daemon_directory = /nonexistent", "inet_interfaces = nowhere.invalid"):
        (mail.config / "main.cf").write_text(f"{text}{line}\n")
        (mail.config / "master.cf").write_text(mail.master + "1234 inet n - n - - smtpd\n")
        refused = mail.control("reload", check=False)
        assert refused.returncode == 1 and line.split()[-1] in refused.stderr and "the configuration in force stays" in refused.stderr
        with mail.smtp() as client:
            assert client.hello().code == 250


def test_a_parameter_of_a_transport_that_is_not_there_is_told(make_merpati):
    mail = make_merpati(main={"bulk_destination_concurrency_limit": "5"})
    told = mail.control("check").stderr
    assert "bulk_destination_concurrency_limit: there is no service bulk in master.cf that it could be for" in told
    assert "is meant" not in told and "meant?" not in told


def test_a_restriction_that_was_removed_is_not_proposed(make_merpati):
    mail = make_merpati(main={"smtpd_client_restrictions": "reject_maps_rbl"})
    assert "is reject_maps_rbl meant" not in mail.control("check").stderr


def test_standard_output_belongs_to_the_foreground(make_merpati):
    mail = make_merpati(main={"maillog_file": "/dev/stdout"})
    mail.set(maillog_file_prefixes=None)
    refused = mail.control("start", check=False)
    assert refused.returncode == 1
    assert 'maillog_file = /dev/stdout: only "merpati start-fg" has a standard output to log to' in refused.stderr


def test_without_a_main_cf_a_first_one_is_named(make_merpati):
    mail = make_merpati()
    mail.write_config()
    (mail.config / "main.cf").rename(mail.config / "main.cf.proto")
    refused = mail.control("start", check=False)
    assert refused.returncode == 1
    assert f'begin with "dpkg-reconfigure merpati", or with a copy of {mail.config}/main.cf.proto' in refused.stderr


def test_a_login_without_passwords_is_told(make_merpati):
    mail = make_merpati(main={"smtp_sasl_auth_enable": "yes"})
    mail.services.append("apart unix - - n - - lmtp -o lmtp_sasl_auth_enable=yes")
    mail.services.append("good unix - - n - - smtp -o smtp_sasl_password_maps=inline:{x=a:b}")
    mail.write_config()
    told = mail.control("check").stderr
    assert re.search(r"master\.cf, line \d+: service smtp/unix: smtp_sasl_auth_enable = yes without smtp_sasl_password_maps: "
                     "the service does not start", told)
    assert "service apart/unix: lmtp_sasl_auth_enable = yes without lmtp_sasl_password_maps" in told
    assert "service good/unix" not in told


def test_a_mailbox_command_that_is_not_there_is_told(make_merpati):
    mail = make_merpati(main={"mailbox_command": '/nonexistent/procmail -a "$EXTENSION"'})
    assert re.search(r"main\.cf, line \d+: mailbox_command: there is no program /nonexistent/procmail: ", mail.control("check").stderr)
    mail.set(mailbox_command='/bin/sh -c "cat > /dev/null"')
    mail.write_config()
    assert "mailbox_command" not in mail.control("check").stderr


def test_words_that_mean_nothing_are_told_with_their_lines(make_merpati):
    mail = make_merpati(main={
        "smtpd_tls_protocols": ">=TLSv1.2, !TLSv1.5", "smtp_tls_mandatory_protocols": "!SSLv2, !SSLv3", "smtp_tls_ciphers": "strong",
        "smtpd_tls_mandatory_ciphers": "high", "smtpd_discard_ehlo_keywords": "dsn, Silent-Discard, pipelineing",
    })
    mail.services.append(f"{free_port()} inet n - n - - smtpd -o smtpd_tls_mandatory_protocols=1.2")
    mail.write_config()
    told = [line for line in mail.control("check").stderr.splitlines() if re.search("_protocols|_ciphers|_keywords", line)]
    for expected in (
        r"main\.cf, line \d+: smtpd_tls_protocols = >=TLSv1\.2, !TLSv1\.5: not all of it is a protocol: ",
        r"main\.cf, line \d+: smtp_tls_ciphers = strong: there is no such grade of ciphers: ",
        r"main\.cf, line \d+: smtpd_discard_ehlo_keywords: pipelineing is no EHLO keyword: ",
        r"master\.cf, line \d+: smtpd_tls_mandatory_protocols = 1\.2: not all of it is a protocol: ",
    ):
        assert sum(bool(re.search(expected, line)) for line in told) == 1, (expected, told)
    assert len(told) == 4, told


def test_a_level_that_cannot_be_read_is_told_once_with_its_line(make_merpati):
    mail = make_merpati(main={"compatibility_level": "abc"})
    failed = mail.control("check", check=False)
    (told,) = [line for line in failed.stderr.splitlines() if "compatibility" in line]
    assert failed.returncode == 1
    assert re.search(r"error: \S+main\.cf, line \d+: compatibility_level = abc: write it as 2 or 3\.6$", told)


def test_indexes_among_other_words_are_looked_at_too(make_merpati):
    mail = make_merpati()
    tables = {name: mail.path(name) for name in ("senders", "networks", "inner", "option")}
    for table in tables.values():
        table.write_text("a@example.com OK\n")
        mail.command("postmap", f"hash:{table}")
    mail.set(
        smtpd_sender_restrictions=f"check_sender_access hash:{tables['senders']}", mynetworks=f"127.0.0.0/8, !hash:{tables['networks']}",
        local_header_rewrite_clients=f"check_address_map pipemap:{{hash:{tables['inner']},static:x}}",
    )
    mail.services.append(f"{free_port()} inet n - n - - smtpd -o {{ smtpd_client_restrictions = check_client_access hash:{tables['option']} }}")
    mail.write_config()
    assert "is older than" not in mail.control("check").stderr
    for table in tables.values():
        os.utime(table, (time.time() + 5, time.time() + 5))
    told = mail.control("check").stderr
    for table in tables.values():
        assert told.count(f"{table}.db is older than {table}: what was changed there is not in force: run postmap hash:{table}") == 1, told


@pytest.mark.parametrize("main, options, told", [
    ({"relay_domains": "static:all"}, "", r"main\.cf, line \d+: relay_domains has every domain: "),
    ({"mynetworks": "127.0.0.0/8, [::]/0"}, "", r"main\.cf, line \d+: mynetworks has the whole Internet: "),
    ({}, "-o mynetworks=0.0.0.0/0", r"service \d+/inet: -o mynetworks has the whole Internet: "),
    ({}, "-o smtpd_relay_restrictions=permit,reject -o smtpd_recipient_restrictions=permit", r'service \d+/inet: in smtpd_relay_restrictions .* "permit" comes before'),
])
def test_a_door_that_is_open_to_all_is_told_wherever_it_is(make_merpati, main, options, told):
    mail = make_merpati(main=main)
    mail.services.append(f"{free_port()} inet n - n - - smtpd {options}")
    mail.write_config()
    found = [line for line in mail.control("check").stderr.splitlines() if "everybody may send mail to anybody" in line]
    assert len(found) == 1 and re.search(told, found[0]), found


def test_what_others_could_replace_is_told(make_merpati):
    if not IS_ROOT:
        pytest.skip("owners differ only as root")
    mail = make_merpati()
    libexec, commands = mail.path("libexec"), mail.path("bin")
    shutil.copytree(mail.daemon_directory, libexec)
    commands.mkdir()
    for name in ("merpati", "postconf", "postqueue"):
        shutil.copy(mail.command_directory / name, commands)
    mail.set(daemon_directory=libexec, command_directory=commands, mail_spool_directory=mail.path("nowhere"))
    mail.write_config()
    told = mail.control("check").stderr
    assert f"{commands}/postdrop is missing: no user can send or look at the queue" in told
    assert re.search(rf"main\.cf, line \d+: mail_spool_directory = {mail.path('nowhere')} is not there: ", told)
    assert "can be replaced by others" not in told and "can be written by others" not in told
    shutil.chown(libexec / "smtpd", "nobody")
    mail.config.chmod(0o777)
    told = mail.control("check").stderr
    assert f"{libexec}/smtpd can be replaced by others than root" in told
    assert f"{mail.config} can be written by others than its owner: chmod go-w" in told
