# SPDX-License-Identifier: Apache-2.0
"""merpati import: a Postfix's configuration in our place, and the source as it was."""

import grp
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.importing import make_source, make_target
from support.instance import SOURCE

VECTORS = Path(os.environ.get("MERPATI_VECTORS", SOURCE.parent / "shared" / "vectors")) / "real-configs"
POSTCONF = Path("/usr/sbin/postconf")
PLACES = {"queue_directory", "data_directory", "daemon_directory", "command_directory", "mail_owner", "setgid_group", "meta_directory"}
DROPPED = PLACES | {
    "config_directory", "shlib_directory", "sendmail_path", "mailq_path", "newaliases_path", "html_directory", "manpage_directory", "readme_directory",
    "sample_directory", "openssl_path", "process_id_directory",
}


def tree(directory):
    """All that is there, as ls and cat would tell."""
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path)] = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_ctime_ns, content)
    return found


@pytest.fixture
def source(tmp_path):
    return make_source(tmp_path / "postfix")


@pytest.fixture
def target(make_merpati):
    return make_target(make_merpati)


def do_import(mail, directory, *options, **more):
    return mail.command(mail.program, "-c", mail.config, "import", *options, directory, **more)


def settings(program, directory):
    out = subprocess.run([program, "-c", directory, "-n"], capture_output=True, text=True, check=True).stdout
    return dict(line.split(" = ", 1) if " = " in line else (line.removesuffix(" ="), "") for line in out.splitlines())


def test_paths_secrets_and_links_are_adapted_and_the_source_is_not_touched(source, target):
    (source / "sasl").mkdir(mode=0o750)
    (source / "sasl/passwd").write_text("[mail.example.test] user:secret\n")
    (source / "sasl/passwd").chmod(0o600)
    (source / "sql.cf").write_text(f"hosts = 127.0.0.1\ntls_CAfile = {source}/ca.pem\n")
    (source / "sql.cf").chmod(0o640)
    (source / "rules").write_text(f"/x/ REJECT see {source}/why\n")
    (source / "also").symlink_to(source / "rules")
    (source / "postfix-files").write_text("not ours\n")
    (source / "main.cf").write_text(
        f"# see {source}/doc\nmyhostname = mail.example.test\nqueue_directory = /srv/spool/old\nmail_owner = postfix\n"
        f"transport_maps = hash:{source}/transport,\n  regexp:$config_directory/rules\nheader_checks = regexp:{source}-other/x\n"
        "smtpd_sasl_path = private/auth\nsmtpd_milters = unix:/srv/spool/old/milter.sock, inet:127.0.0.1:1\n"
        "smtpd_recipient_restrictions = check_policy_service unix:private/spf, check_policy_service unix:private/grey\n"
    )
    with (source / "master.cf").open("a") as file:
        file.write("spf unix - n n - 0 spawn user=nobody argv=/bin/true\n")
        file.write("submission inet n - y - - smtpd -o smtpd_client_restrictions=check_policy_service,unix:private/other\n")
    before = tree(source)
    queue = target.queue
    done = do_import(target, source, "-f")
    assert tree(source) == before
    etc = Path(target.config)
    got = settings(Path(target.command_directory) / "postconf", etc)
    assert got["transport_maps"] == f"hash:{etc}/transport, regexp:$config_directory/rules"
    assert got["header_checks"] == f"regexp:{source}-other/x"
    assert got["queue_directory"] == str(queue)
    assert got["syslog_name"] == "postfix"
    text = (etc / "main.cf").read_text()
    assert "# queue_directory = /srv/spool/old\n" in text and "# mail_owner = postfix\n" in text and f"# see {etc}/doc\n" in text
    assert (etc / "sasl/passwd").stat().st_mode & 0o777 == 0o600 and (etc / "sasl").stat().st_mode & 0o777 == 0o750
    assert f"tls_CAfile = {etc}/ca.pem" in (etc / "sql.cf").read_text()
    assert os.readlink(etc / "also") == f"{etc}/rules"
    assert (etc / "rules").read_text() == (source / "rules").read_text()
    assert f"{source}/rules names {source}, and is copied as it is" in done.stdout
    assert not (etc / "postfix-files").exists()
    assert (etc / "main.cf.before-import").read_text().count("queue_directory") >= 1
    assert not list(etc.glob(".import*"))
    for parameter, path in ("smtpd_sasl_path", "private/auth"), ("smtpd_recipient_restrictions", "private/grey"), ("smtpd_client_restrictions", "private/other"):
        assert re.search(rf"{parameter}: another program makes the socket /srv/spool/old/{path} \(not there now\)\. It has to make {queue}/{path}, owner ", done.stdout)
    assert re.search(rf"smtpd_milters: a milter makes the socket /srv/spool/old/milter\.sock \(not there now\)\. It has to make {queue}/milter\.sock, ", done.stdout)
    assert "private/spf" not in done.stdout
    assert "What \"merpati check\" says" in done.stdout


def test_services_that_only_we_have_are_added(source, target):
    do_import(target, source, "-f")
    names = target.command("postconf", "-c", target.config, "-M").stdout
    assert re.search(r"(?m)^spill +unix ", names) and re.search(r"(?m)^smtp +inet ", names)
    assert not re.search(r"(?m)^(uucp|mailman) ", names)


def test_services_are_added_whatever_main_cf_says_and_none_beside_a_fifo(source, target):
    with (source / "main.cf").open("a") as file:
        file.write("message_size_limit = much\n")
    (source / "master.cf").write_text("pickup fifo n - n 60 1 pickup\nqmgr fifo n - n 300 1 qmgr\n")
    done = do_import(target, source, "-f")
    names = target.command("postconf", "-c", target.config, "-M").stdout
    assert re.search(r"(?m)^spill +unix ", names) and not re.search(r"(?m)^(pickup|qmgr) +unix ", names)
    assert "both listen" not in done.stderr and ".import/" not in done.stdout + done.stderr


def test_what_was_imported_runs(source, target, account):
    with (source / "main.cf").open("a") as file:
        file.write("mydestination = example.test\nmydomain = example.test\nalias_maps =\ninet_interfaces = 127.0.0.1\n")
    (source / "master.cf").write_text(f"127.0.0.1:{target.port} inet n - n - - smtpd\n")
    mail_spool = f"mail_spool_directory = {target.mail}\nsyslog_name = merpati\nmaillog_file = {target.log}\nmaillog_file_prefixes = /\n"
    with (source / "main.cf").open("a") as file:
        file.write(mail_spool)
    do_import(target, source, "-f")
    target.start()
    target.sendmail("-f", "a@example.com", f"{account}@example.test", input="Subject: x\n\nhello\n")
    target.wait_mailbox(account)


def test_a_configuration_that_is_there_is_not_replaced_without_a_word(source, target):
    before = tree(target.config)
    done = do_import(target, source, check=False)
    assert done.returncode == 1 and "main.cf is there already" in done.stderr
    assert tree(target.config) == before
    do_import(target, source, "-f")
    with (source / "main.cf").open("a") as file:
        file.write("soft_bounce = yes\n")
    do_import(target, source, "-f")
    etc = Path(target.config)
    assert "soft_bounce" not in (etc / "main.cf.before-import.2").read_text() and "soft_bounce" in (etc / "main.cf").read_text()
    assert target.command("postconf", "-c", etc, "-h", "queue_directory").stdout.strip() == str(target.queue)


@pytest.mark.parametrize(
    "spoil, word",
    [
        (lambda source: (source / "main.cf").unlink(), "main.cf: No such file"),
        (lambda source: (source / "main.cf").write_text("no equals sign\n"), "main.cf"),
        (lambda source: (source / "master.cf").unlink(), "has no master.cf"),
        (lambda source: shutil.rmtree(source), "No such file"),
    ],
)
def test_a_source_that_is_none_changes_nothing(source, target, spoil, word):
    spoil(source)
    before = tree(target.config)
    done = do_import(target, source, "-f", check=False)
    assert done.returncode == 1 and word in done.stderr
    assert tree(target.config) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_the_old_mail_group_become_readable_for_ours(source, target):
    try:
        old = grp.getgrnam("postfix").gr_gid
    except KeyError:
        pytest.skip("there is no group postfix here")
    (source / "sql.cf").write_text("hosts = 127.0.0.1\n")
    os.chown(source / "sql.cf", 0, old)
    (source / "sql.cf").chmod(0o640)
    do_import(target, source, "-f")
    status = (Path(target.config) / "sql.cf").stat()
    owner = target.command("postconf", "-c", target.config, "-h", "map_owner").stdout.strip()
    assert grp.getgrgid(status.st_gid).gr_name == owner and status.st_mode & 0o777 == 0o640


@pytest.mark.skipif(not POSTCONF.exists(), reason="Debian's postfix is not here")
@pytest.mark.parametrize("name", sorted(path.name for path in VECTORS.iterdir() if path.is_dir()) if VECTORS.is_dir() else [])
def test_a_real_configuration(name, target, tmp_path):
    source = tmp_path / "postfix"
    source.mkdir()
    for file in ("main.cf", "master.cf"):
        (source / file).write_text(re.sub(r"/etc/postfix(?=[/\s])", str(source), (VECTORS / name / file).read_text()))
    before = tree(source)
    do_import(target, source, "-f")
    assert tree(source) == before
    theirs, ours = settings(POSTCONF, source), settings(Path(target.command_directory) / "postconf", target.config)
    wanted = {key: value.replace(str(source), str(target.config)).replace("/var/spool/postfix/", f"{target.queue}/") for key, value in theirs.items() if key not in DROPPED}
    wanted.setdefault("syslog_name", "postfix")
    assert {key: ours.get(key) for key in wanted} == wanted
    assert {key for key in ours if key not in wanted} <= PLACES | {"net_owner", "map_owner", "sasl_owner", "config_directory"}
    stock = subprocess.run([POSTCONF, "-c", source, "-M"], capture_output=True, text=True, check=True).stdout.splitlines()
    mine = target.command("postconf", "-c", target.config, "-M").stdout.splitlines()
    assert [line.replace(str(source), str(target.config)).split() for line in stock] == [line.split() for line in mine[: len(stock)]]


def test_main_cf_that_is_a_link_is_copied_and_adapted(source, target, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "site.cf").write_text("myhostname = linked.example.test\nmail_owner = postfix\n")
    (elsewhere / "table").write_text("x y\n")
    (source / "main.cf").unlink()
    (source / "main.cf").symlink_to("../elsewhere/site.cf")
    (source / "table").symlink_to("../elsewhere/table")
    (source / "again").symlink_to("table")
    before = tree(tmp_path / "elsewhere")
    do_import(target, source, "-f")
    etc = Path(target.config)
    assert not (etc / "main.cf").is_symlink() and "# mail_owner = postfix" in (etc / "main.cf").read_text()
    assert os.readlink(etc / "table") == str(elsewhere / "table") and os.readlink(etc / "again") == "table"
    target.command("postconf", "-c", etc, "-e", "soft_bounce=yes")
    assert tree(tmp_path / "elsewhere") == before


def test_all_names_of_the_source_are_adapted(source, target, tmp_path):
    (tmp_path / "link").symlink_to(source)
    with (source / "main.cf").open("a") as file:
        file.write(f"transport_maps = hash:{source}/a\nrelay_domains = hash:{tmp_path}/link/b\n")
    do_import(target, f"{tmp_path}/link/", "-f")
    got = settings(Path(target.command_directory) / "postconf", target.config)
    assert got["transport_maps"] == f"hash:{target.config}/a" and got["relay_domains"] == f"hash:{target.config}/b"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_the_copy_of_another_machine_and_a_source_that_nobody_can_write(source, target):
    (source / "main.cf").write_text("myhostname = mail.example.test\ntransport_maps = hash:/etc/postfix/transport\n")
    (source / "transport").write_text("x local:\n")
    script = f"""
        if [ -d /etc/postfix ]; then mount -t tmpfs tmpfs /etc/postfix; fi
        mount --bind {source} {source} && mount -o remount,bind,ro {source} || exit 77
        ! touch {source}/x 2>/dev/null || exit 78
        exec {target.command_directory}/merpati -c {target.config} import -f {source}"""
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert settings(Path(target.command_directory) / "postconf", target.config)["transport_maps"] == f"hash:{target.config}/transport"


def test_nothing_is_put_into_the_source(source, target):
    inside = source / "inside"
    inside.mkdir()
    before = tree(source)
    done = target.command(target.program, "-c", inside, "import", "-f", source, check=False)
    assert done.returncode == 1 and "not to be changed" in done.stderr
    assert tree(source) == before


def test_what_an_interrupted_import_left_is_gone_after_the_next(source, target):
    stage = Path(target.config).parent / ".etc.import"
    stage.mkdir()
    (stage / "secret").write_text("x\n")
    do_import(target, source, "-f")
    assert not stage.exists() and not (Path(target.config) / "secret").exists()


def test_mail_held_for_mailscanner_is_named(source, target):
    (source / "header_checks").write_text("# comment\n/^Received:/ HOLD\n")
    done = do_import(target, source, "-f")
    assert f'{source}/header_checks holds all mail ("/^Received:/ HOLD"): a program that takes it out of the queue' in done.stdout


def in_etc(source, target, script):
    """An import with /etc/postfix as script makes it, in a mount namespace of its own."""
    whole = f"""
        if [ ! -d /etc/postfix ]; then mkdir /etc/postfix || exit 77; fi
        mount -t tmpfs tmpfs /etc/postfix || exit 77
        {script}
        exec {target.command_directory}/merpati -c {target.config} import -f {source}"""
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", whole], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize(
    "usual, own, is_other",
    [
        ("", "", False),
        ("", "multi_instance_name = postfix-out\n", True),
        ("myhostname = a.example.test\n", "", False),
        ("myhostname = a.example.test\n", "config_directory = /etc/postfix\n", False),
        ("multi_instance_directories = /etc/other, {source}/\n", "", True),
        ("alternate_config_directories = {source}\n", "", True),
        ("myhostname = a.example.test\n", "config_directory = /etc/postfix-out\n", True),
    ],
)
def test_etc_postfix_in_a_copy_is_the_copy_and_in_another_instance_is_named(source, target, usual, own, is_other):
    text = f"{own}myhostname = mail.example.test\n# /etc/postfix/comment\ntransport_maps = hash:/etc/postfix/transport\nrelay_domains = /etc/postfix-out/relay\n"
    (source / "main.cf").write_text(text)
    (source / "link").symlink_to("/etc/postfix/link")
    said = in_etc(source, target, f"printf '{usual.format(source=source)}' > /etc/postfix/main.cf" if usual else "")
    got = settings(Path(target.command_directory) / "postconf", target.config)
    kept = "/etc/postfix" if is_other else target.config
    line = [*text.splitlines()].index("transport_maps = hash:/etc/postfix/transport") + 1
    assert got["transport_maps"] == f"hash:{kept}/transport" and os.readlink(target.config / "link") == f"{kept}/link"
    assert (f"main.cf, line {line}: /etc/postfix/transport is another Postfix's, and is not copied: copy it to {target.config} and name the copy" in said) == is_other
    assert ("link link: /etc/postfix/link is another Postfix's" in said) == is_other and "comment is another" not in said
    assert got["relay_domains"] == (f"{target.config}/relay" if "config_directory = /etc/postfix-out" in own else "/etc/postfix-out/relay")


def test_a_path_that_leads_into_the_source_by_another_name_is_named(source, target, tmp_path):
    (tmp_path / "name").symlink_to(source)
    with (source / "main.cf").open("a") as file:
        file.write(f"transport_maps = hash:{tmp_path}/name/transport\nrelay_domains = {tmp_path}//postfix/relay\n")
    said = do_import(target, source, "-f").stdout
    assert f"main.cf, line 2: {tmp_path}/name/transport is another Postfix's" in said and f"main.cf, line 3: {tmp_path}//postfix/relay is another Postfix's" in said


def test_services_for_users_that_are_not_there_are_told_together_but_for_those_in_use(source, target):
    with (source / "master.cf").open("a") as file:
        for name in ("one", "two", "used", "filter"):
            file.write(f"{name} unix - n n - - pipe user=no-such-{name} argv=/bin/true\n")
    with (source / "main.cf").open("a") as file:
        file.write("mailbox_transport = used\ncontent_filter = filter:[127.0.0.1]\n")
    said = do_import(target, source, "-f").stderr
    assert f"merpati: warning: {target.config}/master.cf: the users of the services one (no-such-one), two (no-such-two) are not there: what comes to one waits; nothing is to be done if none is used\n" in said
    assert "line 4: service used/unix: unknown username: no-such-used: what comes to it waits until this is put right" in said and "service filter/unix: unknown username: no-such-filter" in said
    assert said.count("no-such-one") == 1
    lines = (source / "master.cf").read_text().splitlines()
    (source / "master.cf").write_text("\n".join(line for line in lines if not line.startswith("two ")) + "\n")
    assert "line 2: service one/unix: unknown username: no-such-one: what comes to it waits until this is put right" in do_import(target, source, "-f").stderr
