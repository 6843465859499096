# SPDX-License-Identifier: Apache-2.0
"""merpati import: the target is what it was, or what it shall be, wherever the import ends."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.importing import make_source, make_target

STEPS = ("open", "create", "write", "mode", "sync", "link", "unlink", "rename")
only_root_mounts = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


def tree(directory):
    found = {}
    for path in sorted(Path(directory).rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(directory))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


@pytest.fixture
def source(tmp_path):
    directory = make_source(tmp_path / "postfix")
    (directory / "sasl").mkdir()
    (directory / "transport").write_text("example.test local:\n")
    (directory / "same").write_text("x y\n")
    (directory / "sasl/passwd").write_text("new\n")
    (directory / "link").symlink_to("transport")
    return directory


@pytest.fixture
def target(make_merpati):
    mail = make_target(make_merpati)
    etc = Path(mail.config)
    (etc / "sasl").mkdir()
    (etc / "sasl/passwd").write_text("old\n")
    (etc / "sasl/kept").write_text("kept\n")
    (etc / "transport").write_text("old.test local:\n")
    (etc / "same").write_text("x y\n")
    (etc / "link").symlink_to("elsewhere")
    return mail


def import_words(mail, source):
    return [Path(mail.command_directory) / mail.program, "-c", mail.config, "import", "-f", source]


def do_import(mail, source, before="", **environment):
    """before: what a shell does first, in a mount namespace of its own."""
    words = import_words(mail, source)
    if before:
        words = ["unshare", "--mount", "sh", "-ec", f'{before}\nexec "$@"', "sh", *words]
    return subprocess.run(words, capture_output=True, text=True, env=mail.environment | os.environ | environment, cwd="/")


def reset(mail, kept):
    shutil.rmtree(mail.config)
    shutil.copytree(kept, mail.config, symlinks=True)


def strikes(mail, log):
    """Each place at which an import can end, as a power cut would end it."""
    for step in STEPS:
        number = 1
        while True:
            log.write_text("")
            yield f"{step}:{number}:exit", {"MERPATI_FAULTS": f"{step}:{number}:exit", "MERPATI_FAULTS_LOG": str(log)}
            if log.read_text() == "":
                break
            number += 1


def test_an_import_that_ends_anywhere_leaves_the_old_or_the_new(source, target, tmp_path):
    kept = tmp_path / "kept"
    shutil.copytree(target.config, kept, symlinks=True)
    old = tree(target.config)
    done = do_import(target, source)
    assert done.returncode == 0, done.stdout + done.stderr
    new = tree(target.config)
    assert new["transport.before-import"][3] == b"old.test local:\n" and "same.before-import" not in new and new["sasl/kept"][3] == b"kept\n"
    assert new["sasl/passwd.before-import"][3] == b"old\n" and new["link.before-import"][3] == "elsewhere"
    seen = set()
    for where, environment in strikes(target, tmp_path / "faults"):
        reset(target, kept)
        done = do_import(target, source, **environment)
        now = tree(target.config)
        assert now in (old, new), (where, {name for name in old.keys() | new.keys() | now.keys() if now.get(name) not in (old.get(name), new.get(name))})
        seen.add((done.returncode == 0, now == new))
        done = do_import(target, source)
        assert done.returncode == 0 and tree(target.config) == new, (where, done.stderr)
        assert not list(Path(target.config).parent.glob(".*import")), where
    assert (False, False) in seen and (False, True) in seen


@only_root_mounts
def test_a_target_that_is_a_mount_is_never_without_what_was_there(source, target, tmp_path):
    kept = tmp_path / "kept"
    shutil.copytree(target.config, kept, symlinks=True)
    before = f"mount --bind {target.config} {target.config} || exit 77"
    done = do_import(target, source, before)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 0, done.stdout + done.stderr
    new = tree(target.config)
    contents = {value[3] for value in tree(kept).values()}
    partly = 0
    for where, environment in strikes(target, tmp_path / "faults"):
        reset(target, kept)
        do_import(target, source, before, **environment)
        now = tree(target.config)
        assert {value[3] for value in now.values()} >= contents, where
        if now["main.cf"] == new["main.cf"]:
            assert {name: now[name] for name in new} == new, where
        else:
            partly += "transport.before-import" in now
        done = do_import(target, source, before)
        assert done.returncode == 0 and tree(target.config) == new, (where, done.stderr)
    assert partly > 0


def conflict(source, target):
    """A folder where the source has a file, and a file where it has a folder."""
    etc = Path(target.config)
    (etc / "transport").unlink()
    (etc / "transport").mkdir()
    (etc / "transport/inside").write_text("kept\n")
    shutil.rmtree(etc / "sasl")
    (etc / "sasl").write_text("a file\n")


def test_a_folder_and_a_file_of_one_name_are_both_kept(source, target):
    conflict(source, target)
    done = do_import(target, source)
    etc = Path(target.config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (etc / "transport").read_text() == "example.test local:\n" and (etc / "transport.before-import/inside").read_text() == "kept\n"
    assert (etc / "sasl/passwd").read_text() == "new\n" and (etc / "sasl.before-import").read_text() == "a file\n"
    assert f"{etc}/sasl is kept as sasl.before-import" in done.stdout and f"{etc}/transport is kept as transport.before-import" in done.stdout


@only_root_mounts
def test_where_folders_cannot_give_way_nothing_is_begun(source, target):
    conflict(source, target)
    before = tree(target.config)
    mount = f"mount --bind {target.config} {target.config} || exit 77"
    done = do_import(target, source, mount)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 1 and f"{target.config}/transport is a folder, and a file of that name is to take its place: move it away" in done.stderr
    assert tree(target.config) == before
    shutil.rmtree(Path(target.config) / "transport")
    done = do_import(target, source, mount)
    assert done.returncode == 0 and (Path(target.config) / "sasl/passwd").read_text() == "new\n", done.stderr


@only_root_mounts
def test_what_is_mounted_in_the_target_is_not_lost(source, target):
    before = tree(target.config)
    done = do_import(target, source, f"mount -t tmpfs tmpfs {target.config}/sasl || exit 77")
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 1 and f"{target.config}/sasl is mounted there: take it away for the time of the import" in done.stderr
    assert tree(target.config) == before


@only_root_mounts
@pytest.mark.parametrize("place", ["etc", "etc/.."])
def test_a_disk_that_fills_up_leaves_the_old(source, target, tmp_path, place):
    """The target is a mount, or lies in one, that has no room for the copy."""
    (source / "large").write_bytes(os.urandom(3 << 20))
    here = Path(target.config).parent
    disk = here / "disk"
    disk.mkdir()
    shutil.copytree(target.config, disk / "etc", symlinks=True)
    where = disk if place == "etc/.." else disk / "etc"
    state = tmp_path / "state"
    script = f"""
        mkdir {tmp_path}/copy; cp -a {where}/. {tmp_path}/copy/
        mount -t tmpfs -o size=1m tmpfs {where} || exit 77
        cp -a {tmp_path}/copy/. {where}/
        find {where} -type f -exec md5sum {{}} + | sort > {state}.before
        status=0; "$@" || status=$?
        find {where} -type f -exec md5sum {{}} + | sort > {state}.after
        rm {source}/large; "$@" > {state}.again || status=99
        exit $status"""
    target.config = disk / "etc"
    words = ["unshare", "--mount", "sh", "-ec", script, "sh", *import_words(target, source)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("mounts are refused here")
    assert done.returncode == 1 and "No space left on device" in done.stderr, done.stdout + done.stderr
    before = Path(f"{state}.before").read_text()
    assert before == Path(f"{state}.after").read_text() and "transport" in before


def test_who_stands_in_the_folder_is_told(source, target):
    said = subprocess.run(import_words(target, source), capture_output=True, text=True, check=True, cwd=target.config).stdout
    assert f"{target.config} is another folder now: where a shell stands in it, type: cd {target.config}" in said
    assert "another folder now" not in do_import(target, source).stdout


def test_a_running_system_goes_on_and_sees_later_changes_of_tables_after_a_reload(source, target, account):
    port, etc = target.port, Path(target.config)
    settings = (etc / "main.cf").read_text()
    kept = "".join(line + "\n" for line in settings.splitlines() if line.split(" =")[0] not in ("queue_directory", "myhostname"))
    with (source / "main.cf").open("a") as file:
        file.write(f"{kept}relay_domains =\nsmtpd_recipient_restrictions = check_recipient_access hash:{source}/access, permit_mynetworks, reject\n")
    (source / "access").write_text("one@example.test REJECT first\n")
    (source / "master.cf").write_text(f"127.0.0.1:{port} inet n - n - - smtpd\n")
    target.command("postmap", f"hash:{source}/access")
    target.start()

    def answer(recipient):
        with target.smtp() as client:
            client.hello()
            client.command("MAIL FROM:<a@example.com>")
            return client.command(f"RCPT TO:<{recipient}>").text

    assert "first" not in answer("one@example.test")
    done = do_import(target, source)
    assert done.returncode == 0 and 'The mail system runs: "merpati reload", when that is mended\n' in done.stdout, done.stdout + done.stderr
    target.reload()
    assert "first" in answer("one@example.test")
    (etc / "access").write_text("one@example.test REJECT second\n")
    target.command("postmap", f"hash:{etc}/access")
    assert "second" in answer("one@example.test")
