# SPDX-License-Identifier: Apache-2.0
"""main.cf.d and master.cf.d in a system that runs: services are added and changed by files laid down beside the two."""

import os

import pytest
from support.instance import IS_ROOT
from support.smtp_client import SmtpClient
from support.waiting import free_port


def lay_down(mail, name, text):
    path = mail.config / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def greeting(port):
    with SmtpClient(port) as client:
        return client.greeting.text


def test_files_beside_the_two_take_effect_at_start_and_reload(make_merpati):
    mail = make_merpati(main={"smtpd_banner": "first"})
    port = free_port()
    lay_down(mail, "main.cf.d/10-x.cf", "smtpd_banner = second\n")
    lay_down(mail, "master.cf.d/10-x.cf", f"127.0.0.1:{port} inet n - n - - smtpd\n  -o smtpd_banner=another\n")
    mail.start()
    mail.wait_for_port(port)
    assert "second" in greeting(mail.port) and "another" in greeting(port)
    lay_down(mail, "main.cf.d/20-x.cf", "smtpd_banner = third\n")
    mail.reload()
    assert "third" in greeting(mail.port) and "another" in greeting(port)


def test_mistakes_in_a_file_are_told_with_its_name_and_stop_a_start(make_merpati):
    mail = make_merpati()
    lay_down(mail, "main.cf.d/x.cf", "\ndefault_process_limit = many\n")
    lay_down(mail, "master.cf.d/y.cf", "nosuch unix - - n - 1 nosuchd\n")
    checked = mail.control("check", check=False)
    assert checked.returncode == 1
    assert f"{mail.config}/main.cf.d/x.cf, line 2: bad numerical configuration: default_process_limit = many" in checked.stderr
    assert f"{mail.config}/master.cf.d/y.cf, line 1: service nosuch/unix" in checked.stderr
    assert mail.control("start", check=False).returncode != 0


def test_who_may_write_a_file_and_read_it_is_looked_at(make_merpati):
    if not IS_ROOT:
        pytest.skip("owners differ only as root")
    mail = make_merpati()
    written = lay_down(mail, "main.cf.d/w.cf", "")
    hidden = lay_down(mail, "master.cf.d/h.cf", "")
    os.chmod(written, 0o666)
    os.chmod(hidden, 0o600)
    told = mail.control("check", check=False).stderr
    assert f"{written} can be written by others than its owner" in told
    assert f"{hidden} cannot be read by all" in told
