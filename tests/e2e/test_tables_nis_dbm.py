# SPDX-License-Identifier: Apache-2.0
"""nis: tables of a NIS domain that the test makes in a network of its own, beside stock; dbm: files that others have made."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.instance import BUILD, IS_ROOT

SERVERS = ("rpcbind", "ypserv", "ypbind", "ypwhich", "unshare")
# Everything but the commands to run, which get the key on standard input and leave what they find.
NIS = """set -e
ip link set lo up
domainname nis.example.test
mount -t tmpfs none /var/yp
mkdir -p /var/yp/nis.example.test /var/yp/binding
mount -t tmpfs none /run
echo "domain nis.example.test server 127.0.0.1" > {here}/yp.conf
test -e /etc/yp.conf || touch /etc/yp.conf
mount --bind {here}/yp.conf /etc/yp.conf
/usr/lib/yp/makedbm {here}/source /var/yp/nis.example.test/aliases
/usr/lib/yp/makedbm -a {here}/source /var/yp/nis.example.test/with-nul
rpcbind -f -w 2> {here}/rpcbind.log & children=$!
until rpcinfo -p 127.0.0.1 > /dev/null 2>&1; do sleep 0.05; done
ypserv -f -p 834 2> {here}/ypserv.log & children="$children $!"
until rpcinfo -t 127.0.0.1 100004 2 > /dev/null 2>&1; do sleep 0.05; done
ypbind -foreground -no-ping 2> {here}/ypbind.log & children="$children $!"
until ypwhich > /dev/null 2>&1; do sleep 0.05; done
set +e
{commands}
kill $children
wait
"""


@pytest.fixture
def here():
    path = Path(tempfile.mkdtemp(prefix="merpati-tables-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def configuration(here, side):
    directory = here / side
    directory.mkdir()
    text = "compatibility_level = 3.6\n"
    if side == "ours":
        (directory / "dynamicmaps.cf").write_text("nis nis.so merpati_nis\ndbm dbm.so merpati_dbm\n")
        text += f"meta_directory = {directory}\nshlib_directory = {BUILD}/modules\n"
    (directory / "main.cf").write_text(text)
    return directory


def postmap(side):
    return BUILD / "bin/postmap" if side == "ours" else "/usr/sbin/postmap"


def test_nis_answers_as_stocks_and_a_server_that_is_gone_is_no_absence(here):
    if not IS_ROOT:
        pytest.skip("a network of its own needs root")
    missing = [name for name in SERVERS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    (here / "source").write_text("user@example.com there\npostmaster root, user@example.com\nempty\n")
    keys = ["user@example.com", "USER@example.com", "postmaster", "nobody", "a b", "x" * 300]
    (here / "keys").write_text("".join(f"{key}\n" for key in keys))
    tables = ["aliases", "with-nul", "nosuch"]
    sides = ["ours"] + (["stock"] if Path("/usr/sbin/postmap").exists() else [])
    for side in sides:
        configuration(here, side)
    commands = "".join(f"{postmap(side)} -c {here}/{side} -q - nis:{table} < {here}/keys > {here}/{side}-{table} 2> {here}/{side}-{table}.log\n"
                       for side in sides for table in tables)
    commands += f"kill $children\nwait\n{postmap('ours')} -c {here}/ours -q user@example.com nis:aliases > {here}/gone 2> {here}/gone.log; echo $? >> {here}/gone\nchildren=\n"
    script = NIS.format(here=here, commands=commands)
    done = subprocess.run(["unshare", "--net", "--uts", "--mount", "bash", "-c", script], capture_output=True, text=True, timeout=120)
    found = {name: (here / f"ours-{name}").read_text().splitlines() for name in tables[:2]}, done.stderr
    assert found[0]["aliases"] == ["user@example.com\tthere", "USER@example.com\tthere", "postmaster\troot, user@example.com"], found
    for name in tables[:2] if "stock" in sides else []:
        assert (here / f"ours-{name}").read_text() == (here / f"stock-{name}").read_text(), name
    assert "map nosuch of NIS domain nis.example.test" in (here / "ours-nosuch.log").read_text()
    assert (here / "gone").read_text() == "1\n" and "NIS domain nis.example.test: " in (here / "gone.log").read_text()


def test_nis_without_a_domain_is_said(here):
    if not IS_ROOT:
        pytest.skip("a host name of its own needs root")
    script = f"domainname '(none)'; {postmap('ours')} -c {configuration(here, 'ours')} -q x nis:aliases"
    done = subprocess.run(["unshare", "--uts", "bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "NIS domain name not set" in done.stderr


def test_dbm_files_with_and_without_nul(here):
    if shutil.which("perl") is None or subprocess.run(["perl", "-MNDBM_File", "-e", "1"], capture_output=True).returncode != 0:
        pytest.skip("perl has no NDBM_File here")
    program = 'use Fcntl; use NDBM_File; tie(%t, "NDBM_File", $ARGV[0], O_RDWR|O_CREAT, 0644) or die; $t{"user\\@example.com"} = "there"; $t{"nul\\@example.com\\0"} = "too\\0"; untie %t;'
    subprocess.run(["perl", "-e", program, str(here / "table")], check=True)
    config = configuration(here, "ours")

    def ask(table, key):
        return subprocess.run([postmap("ours"), "-c", config, "-q", key, f"dbm:{table}"], capture_output=True, text=True, env={**os.environ, "MAIL_CONFIG": str(config)})

    assert ask(here / "table", "user@example.com").stdout == "there\n"
    assert ask(here / "table", "NUL@example.com").stdout == "too\n"
    assert ask(here / "table", "nobody@example.com").stdout == ""
    missing = ask(here / "nosuch", "x")
    assert missing.returncode == 1 and f"{here}/nosuch.pag" in missing.stderr
    (here / "table.pag").write_bytes(b"no database\n" * 100)
    broken = ask(here / "table", "user@example.com")
    assert broken.returncode == 1 and broken.stdout == "" and "table" in broken.stderr
