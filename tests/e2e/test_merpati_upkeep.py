# SPDX-License-Identifier: Apache-2.0
"""What merpati does besides starting and stopping: the log put aside, owners and modes, new services, foreground as process 1."""

import gzip
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.default_instance import run_with_default
from support.instance import IS_ROOT, SOURCE
from support.waiting import wait_until

SET_GID = 0o2755


def rotated(mail):
    return sorted(path for path in mail.directory.glob("maillog.*"))


def speak(mail, count):
    """So many sessions, each of which writes two lines."""
    for _ in range(count):
        with mail.smtp() as client:
            client.command("QUIT")


def test_an_unknown_command_is_named(make_merpati):
    refused = make_merpati().control("restart", check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("merpati: error: unknown command: 'restart'\nusage: merpati ")


def processes():
    """The line that the kernel has of each; some end meanwhile."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            pass


# --- logrotate ---------------------------------------------------------------------------------------------------


def test_a_log_that_is_put_aside_is_compressed_and_no_line_is_lost(merpati):
    mail = merpati()
    speak(mail, 20)
    mail.control("logrotate")
    speak(mail, 20)
    assert "daemon started" not in mail.log_text()
    (old,) = rotated(mail)
    assert re.fullmatch(r"maillog\.\d{8}-\d{6}\.gz", old.name)
    count = lambda: (gzip.decompress(old.read_bytes()) + mail.log.read_bytes()).count(b" quit=1 ")  # noqa: E731
    wait_until(lambda: count() == 40, lambda: f"40 sessions in both files, not {count()}")


def test_suffix_and_compressor_are_the_administrators(make_merpati):
    mail = make_merpati(main={"maillog_file_rotate_suffix": "on-%Y", "maillog_file_compressor": "bzip2 -1"})
    mail.start()
    mail.control("logrotate")
    (old,) = rotated(mail)
    assert re.fullmatch(r"maillog\.on-\d{4}\.bz2", old.name)
    # That name is taken once its compressed file is unpacked: nothing is overwritten.
    subprocess.run(["bunzip2", old], check=True)
    kept = rotated(mail)[0].read_bytes()
    refused = mail.control("logrotate", check=False)
    assert refused.returncode == 1 and f"{mail.log}.on-" in refused.stderr
    assert rotated(mail)[0].read_bytes() == kept


def test_a_configuration_that_reload_refuses_leaves_the_log_where_it_was(merpati):
    mail = merpati()
    before = mail.log.stat().st_ino
    mail.set(smtpd_timeout="long")
    refused = mail.control("logrotate", check=False)
    assert refused.returncode == 1 and "smtpd_timeout" in refused.stderr
    assert mail.log.stat().st_ino == before and not rotated(mail)


@pytest.mark.parametrize("main, word", [({"maillog_file": ""}, "maillog_file is empty"), ({"maillog_file": "/dev/stdout"}, "/dev/stdout is no file")])
def test_what_is_no_file_is_not_rotated(make_merpati, main, word):
    mail = make_merpati(main={**main, "maillog_file_prefixes": "/dev/stdout"})
    refused = mail.control("logrotate", check=False)
    assert refused.returncode == 1 and word in refused.stderr


def test_a_log_is_put_aside_while_nothing_runs(make_merpati):
    mail = make_merpati()
    mail.start()
    mail.stop()
    mail.control("logrotate")
    (old,) = rotated(mail)
    assert b"daemon started" in gzip.decompress(old.read_bytes())


# --- set-permissions ----------------------------------------------------------------------------------------------


def test_owners_and_modes_are_put_right(make_merpati):
    if not IS_ROOT:
        pytest.skip("owners differ only as root")
    mail = make_merpati()
    mail.start()
    mail.stop()
    (mail.queue / "maildrop").chmod(0o777)
    shutil.rmtree(mail.queue / "hold")
    mail.control("set-permissions")
    assert stat.S_IMODE((mail.queue / "maildrop").stat().st_mode) == 0o1730
    assert (mail.queue / "hold").is_dir()


@pytest.mark.parametrize("cure", ["set-permissions", "reload"])
def test_what_a_running_system_lost_is_put_right(make_merpati, account, cure):
    """Everything given to another user, as by "chown -R", and the folders of sockets taken away."""
    if not IS_ROOT:
        pytest.skip("owners differ only as root")
    mail = make_merpati().start()
    if cure == "reload":
        shutil.rmtree(mail.queue / "public")
        shutil.rmtree(mail.queue / "private")
    else:
        for folder, folders, files in os.walk(mail.queue):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), 4321, -1, follow_symlinks=False)
        shutil.chown(mail.data, 4321)
    told = mail.control("check").stderr
    if cure == "reload":
        assert f'{mail.queue}/private is missing: "merpati set-permissions" or the next start makes it' in told
    else:
        for folder in ("public", "private"):
            assert re.search(rf'{mail.queue}/{folder}/\w+ is owned by 4321, which should be \w[\w-]*: "merpati reload" puts it', told), told
        assert re.search(rf"{mail.data} is owned by 4321:\S+, which should be [a-z]\S*:[a-z]\S*: ", told), told
    mail.control(cure)
    assert "refreshing" not in mail.control("set-permissions").stderr
    assert not re.search("is owned by|is missing", mail.control("check").stderr)
    mail.sendmail("-f", "a@example.com", account, input="Subject: x\n\nhello\n")
    mail.wait_mailbox(account)
    with mail.smtp() as client:
        client.hello()
        client.deliver("a@example.com", [account], "Subject: y\r\n\r\nhello\r\n")
    mail.wait_mailbox(account, 2)


@pytest.mark.parametrize("is_default", [True, False])
def test_the_commands_that_users_hand_mail_over_with_are_the_default_instances(make_merpati, is_default):
    if not IS_ROOT:
        pytest.skip("another /etc/merpati needs root")
    commands = Path(tempfile.mkdtemp(prefix="merpati-e2e-"))
    try:
        mail = make_merpati(main={"command_directory": commands})
        for name in ("postdrop", "postqueue", "postsuper", "merpati", "postconf"):
            shutil.copy(mail.command_directory / name, commands)
        run_with_default(mail, f"{commands}/merpati" + ("" if is_default else f" -c {mail.config}") + " set-permissions")
        for name in ("postdrop", "postqueue"):
            status = (commands / name).stat()
            group = (mail.queue / "maildrop").stat().st_gid if is_default else os.getegid()
            assert (stat.S_IMODE(status.st_mode), status.st_gid) == (SET_GID if is_default else 0o755, group)
    finally:
        shutil.rmtree(commands)


def test_what_set_permissions_is_told_stands_in_main_cf_afterwards(make_merpati):
    mail = make_merpati()
    data = mail.path("elsewhere")
    mail.command("merpati", "-c", mail.config, "set-permissions", f"data_directory={data}")
    assert data.is_dir()
    assert mail.command("postconf", "-c", mail.config, "-h", "data_directory").stdout.strip() == str(data)
    refused = mail.command("merpati", "-c", mail.config, "set-permissions", "data_directory", check=False)
    assert refused.returncode == 1 and "write name=value" in refused.stderr


# --- upgrade-configuration -------------------------------------------------------------------------------------------


def test_missing_inner_services_are_added_once(make_merpati):
    meta = SOURCE / "conf"
    mail = make_merpati(main={"meta_directory": "$config_directory"})
    shutil.copy(meta / "master.cf", mail.config / "master.cf.proto")
    old = [line for line in mail.master.splitlines() if not re.match(r"(tlsmgr|verify|smtp\s+inet)\s", line)]
    text = "# mine\n" + "\n".join(old) + "\n#verify unix - - n - 1 verify\n"
    (mail.config / "master.cf").write_text(text)
    told = mail.control("upgrade-configuration").stderr
    new = (mail.config / "master.cf").read_text()
    assert new.startswith(text)
    added = new[len(text) :]
    assert re.search(r"(?m)^tlsmgr +unix .* tlsmgr$", added) and "tlsmgr/unix" in told
    assert not re.search(r"(?m)^(verify|smtp +inet) ", added)
    mail.control("upgrade-configuration", check=True)
    assert (mail.config / "master.cf").read_text() == new


def test_without_the_prototype_the_upgrade_says_where_it_looked(make_merpati):
    mail = make_merpati(main={"meta_directory": "/nonexistent"})
    refused = mail.control("upgrade-configuration", check=False)
    assert refused.returncode == 1 and "/nonexistent/master.cf.proto" in refused.stderr


# --- in the foreground ------------------------------------------------------------------------------------------------


def test_as_process_1_it_logs_to_standard_output_buries_orphans_and_ends_when_told(make_merpati):
    if not IS_ROOT:
        pytest.skip("a process 1 of its own needs root")
    mail = make_merpati(main={"maillog_file": "/dev/stdout", "maillog_file_prefixes": "/dev/stdout"})
    # The orphan's parent ends at once; its own end is told to process 1.
    words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
             f'(sleep 0.2 & echo orphan $! 1>&2) & exec {mail.command_directory}/merpati -c {mail.config} start-fg']
    with open(mail.log, "w") as log:
        running = subprocess.Popen(words, stdout=log, stderr=log, cwd=mail.directory, env={**os.environ, "MAIL_CONFIG": str(mail.config)})
    try:
        mail.wait_log(r"master\[1\]: daemon started")
        mail.wait_for_port(mail.port)
        speak(mail, 1)
        mail.wait_log(r"smtpd\[\d+\]: disconnect from ")
        master = min(mail.pids("master"))  # a child that has not become its program yet has that name, too
        wait_until(lambda: not [line for line in processes() if f" {master} " in line and "(sleep)" in line], "no orphan left")
        command = [mail.command_directory / "merpati", "-c", mail.config]
        inside = ["nsenter", "--target", str(master), "--pid", "--mount"]
        for verb, told in (("status", "the Merpati mail system is running: PID: 1\n"), ("reload", "refreshing"), ("stop", "stopping")):
            done = subprocess.run([*inside, *command, verb], capture_output=True, text=True)
            # With process 1 ends whoever waits for its end.
            assert done.returncode == (-9 if verb == "stop" else 0) and told in done.stderr, done
            # Process 1 is another one to who looks from outside.
            assert subprocess.run([*command, verb], capture_output=True).returncode == 1
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait()


def test_start_hands_its_verbosity_on(make_merpati):
    mail = make_merpati()
    mail.command("merpati", "-v", "-c", mail.config, "start")
    mail.is_running = True
    mail.wait_for_port(mail.port)
    master = min(mail.pids("master"))  # a child that has not become its program yet has that name, too
    assert b"-v" in Path(f"/proc/{master}/cmdline").read_bytes().split(b"\0")
