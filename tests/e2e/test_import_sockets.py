# SPDX-License-Identifier: Apache-2.0
"""merpati import: each socket of another program, and what that program has to change."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from support.importing import make_source, make_target


@pytest.fixture
def source(tmp_path):
    return make_source(tmp_path / "postfix", main=None)


@pytest.fixture
def target(make_merpati):
    mail = make_target(make_merpati)
    mail.users = {name: mail.command("postconf", "-c", mail.config, "-h", name).stdout.strip() for name in ("net_owner", "map_owner")}
    return mail


@pytest.fixture
def listen(tmp_path):
    """Makes a socket below the old queue directory."""
    held = []

    def make(place, mode=0o660, group=None):
        path = tmp_path / "spool" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(path))
        held.append(one)
        path.chmod(mode)
        if group is not None:
            os.chown(path, -1, group)
        return path

    yield make
    for one in held:
        one.close()


def do_import(mail, source, main, tmp_path):
    (source / "main.cf").write_text(f"myhostname = mail.example.test\nqueue_directory = {tmp_path}/spool\n{main}")
    done = subprocess.run([Path(mail.command_directory) / mail.program, "-c", mail.config, "import", "-f", source], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.split('What "merpati check" says')[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives sockets away")
def test_a_milter_gets_its_own_group_and_never_mode_0666(source, target, listen, tmp_path):
    listen("opendkim/sock", group=65534)
    main = "smtpd_milters = unix:opendkim/sock, { unix:only/smtpd, default_action = accept }\nnon_smtpd_milters = unix:opendkim/sock\n"
    said = do_import(target, source, main, tmp_path)
    net, maps = target.users["net_owner"], target.users["map_owner"]
    assert (
        f"smtpd_milters: a milter makes the socket {tmp_path}/spool/opendkim/sock (now root:nogroup, mode 0660). It has to make {target.queue}/opendkim/sock, with a group of its own and mode 0660; "
        f'then run "adduser {net} nogroup" and "adduser {maps} nogroup", restart it, "merpati stop" and "merpati start"\n' in said
    )
    assert f'{target.queue}/only/smtpd, with a group of its own and mode 0660; then run "adduser {net} GROUP", restart' in said
    assert "0666" not in said and said.count("opendkim/sock (") == 1


def test_a_milter_in_private_or_by_its_whole_path_is_told_where_all_find_it(source, target, tmp_path):
    main = "smtpd_milters = unix:private/a, unix:/run/b/sock\nnon_smtpd_milters = $smtpd_milters\n"
    said = do_import(target, source, main, tmp_path)
    assert f"{target.queue}/private/a, but in another folder than private, with a group of its own" in said
    assert f"{target.queue}/run/b/sock, with a group" in said and "smtpd_milters: write the path as run/b/sock, below the queue directory, which is all that smtpd and smtp see" in said
    said = do_import(target, source, "smtpd_milters = unix:private/a, unix:/run/b/sock\n", tmp_path)
    assert "another folder than private" not in said and "write the path as run/b/sock, " in said
    said = do_import(target, source, "smtpd_sasl_path = /dev/shm/auth\n", tmp_path)
    assert f"It has to make {target.queue}/dev/shm/auth, owner {target.users['net_owner']} and mode 0660\nsmtpd_sasl_path: write the path as dev/shm/auth, " in said


def test_sockets_that_only_tables_name_are_told(source, target, listen, tmp_path):
    mysqld = listen("../mysqld.sock", 0o777)
    closed = listen("../closed.sock", 0o600)
    elsewhere = tmp_path / "elsewhere.cf"
    elsewhere.write_text(f"# hosts = unix:/no/comment\nhosts = unix:{closed.resolve()}\n")
    (source / "transport").write_text("# lmtp:unix:/no/comment\na.test lmtp:unix:private/dovecot-lmtp\nb.test smtp:[192.0.2.1]\n")
    (source / "access").write_text("x REJECT\ny check_policy_service unix:private/policy, permit\n")
    (source / "sql").mkdir()
    (source / "sql/users.cf").write_text(f"user = x\nhosts = unix:{mysqld.resolve()}\nquery = SELECT 'unix:a' FROM b\n")
    (source / "ldap.cf").write_text("server_host = ldapi://%2Frun%2Fslapd%2Fldapi\n")
    (source / "rules.db").write_bytes(b"\0unix:private/binary\n")
    main = f"transport_maps = hash:{source}/transport, socketmap:unix:{tmp_path}/spool/socketmap:name\nvirtual_mailbox_maps = proxy:pgsql:{elsewhere}\n"
    said = do_import(target, source, main, tmp_path)
    net, maps = target.users["net_owner"], target.users["map_owner"]
    queue = target.queue
    assert f"transport, line 2: another program makes the socket {tmp_path}/spool/private/dovecot-lmtp (not there now). It has to make {queue}/private/dovecot-lmtp, owner {net} and mode 0660" in said
    assert f"access, line 2: another program makes the socket {tmp_path}/spool/private/policy (" in said
    assert re.search(rf"sql/users\.cf, line 2: the socket {mysqld.resolve()} \(now \S+, mode 0777\) stays where it is\n", said)
    assert re.search(rf"{elsewhere}, line 2: the socket {closed.resolve()} \(now .*, mode 0600\) stays where it is, and is asked by user {maps}: let it have mode 0660, run \"adduser {maps} ", said)
    assert "ldap.cf, line 1: the socket /run/slapd/ldapi (not there now) stays where it is" in said
    assert f"transport_maps: another program makes the socket {tmp_path}/spool/socketmap (" in said
    assert f"It has to make {queue}/socketmap, with a group of its own and mode 0660; then run \"adduser {maps} " in said
    assert "no/comment" not in said and "binary" not in said and "unix:a" not in said


def test_lmtp_out_of_a_chroot_finds_its_socket_where_it_was(source, target, tmp_path):
    (source / "transport").write_text("a.test lmtp:unix:/run/dovecot/other\n")
    for chroot in "ny":
        (source / "master.cf").write_text(f"lmtp unix - - {chroot} - - lmtp\n")
        said = do_import(target, source, f"mailbox_transport = lmtp:unix:/run/no-such/lmtp\ntransport_maps = hash:{source}/transport\n", tmp_path)
        net = target.users["net_owner"]
        for where, path in ("mailbox_transport", "run/no-such/lmtp"), ("transport, line 1", "run/dovecot/other"):
            assert (f'{where}: the socket /{path} (not there now) stays where it is, and is asked by user {net}: let it have mode 0660, run "adduser {net} ' in said) == (chroot == "n")
            assert (f"It has to make {target.queue}/{path}, owner {net} and mode 0660\n{where}: write the path as {path}, " in said) == (chroot == "y")
