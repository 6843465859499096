# SPDX-License-Identifier: Apache-2.0
"""The separation of the services, looked at from outside on a running system: users, jails, filters, descriptors, sockets."""

import fcntl
import functools
import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.accounts import ensure_account, remove_account
from support.instance import BUILD, IS_ROOT
from support.intruder import intrude
from support.smtp_sink import STALL
from support.waiting import PATIENCE, free_port, wait_until

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="users, jails and capabilities can be given up by root only")

IS_SANITIZED = "MERPATI_SANITIZE:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text()

CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
                "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
                "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT"]
OF_LOCAL = {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "KILL", "SETGID", "SETUID"}
OF_MASTER = OF_LOCAL | {"SETPCAP", "SYS_CHROOT", "NET_BIND_SERVICE"}

ACTING_AS_OTHERS = {"local", "virtual", "pipe", "spawn"}
RUNNING_COMMANDS = {"local", "pipe", "spawn"}
# chroot=
OF_PIPE = OF_LOCAL | {"SYS_CHROOT"}

# What master.cf has no line for of itself.
WITH_COMMANDS = ["a-postscreen unix - n y - 1 postscreen", "a-pipe unix - n n - - pipe user=nobody argv=/bin/true", "a-spawn unix - n n - - spawn user=nobody argv=/bin/true"]

# Whom the network services may talk to, and nobody else: commands of spawn are made to be asked by them.
OPEN_TO_NETWORK = {"public/cleanup", "public/flush", "private/rewrite", "private/proxymap", "private/proxywrite", "private/verify", "private/sasl", "private/anvil",
                   "private/tlsmgr", "private/tlsproxy", "private/dnsblog", "private/a-postscreen", "private/a-spawn"}


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def capabilities(mask):
    bits = int(mask, 16)
    return {CAPABILITIES[i] if i < len(CAPABILITIES) else str(i) for i in range(64) if bits >> i & 1}


def descriptors(pid):
    """{number: (what it is, flags)}"""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{number}")
            info = Path(f"/proc/{pid}/fdinfo/{number}").read_text()
        except OSError:
            continue  # closed meanwhile
        found[int(number)] = target, int(re.search(r"flags:\s*(\d+)", info)[1], 8)
    return found


@functools.cache
def described(program):
    """(user, seccomp profile) by the program's own words."""
    out = subprocess.run([BUILD / "libexec" / program, "--describe"], capture_output=True, text=True, check=True).stdout
    _, _, user, profile, _ = out.rstrip("\n").split("\t")
    return user, profile


def sockets(mail):
    folders = (mail.queue / "public", mail.queue / "private")
    return sorted(str(path.relative_to(mail.queue)) for folder in folders for path in folder.iterdir())


def is_jailed(name, pid):
    """What a process does last before it takes work: it gives up rights, then it is filtered."""
    status = status_of(pid)
    is_filtered = name != "postlogd" and described(name)[1] != "-" and not IS_SANITIZED
    if name != "postlogd" and described(name)[0] == "root":
        is_limited = len(capabilities(status["CapBnd"])) < len(capabilities(status_of(os.getpid())["CapBnd"]))
        return is_limited and (status["Seccomp"] == "2" or not is_filtered)
    return status["Uid"].split()[0] != "0" and (status["Seccomp"] == "2" or not is_filtered)


def wake_all(mail):
    """{program: process ids}, each service started by a connection that is closed again."""
    for path in sockets(mail):
        if path != "public/postlog":
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(mail.queue / path))
    programs = [path.name for path in (BUILD / "libexec").iterdir() if path.name != "master"]
    wait_until(lambda: all(mail.pids(name) for name in programs), lambda: f"all services; log:\n{mail.tail()}")
    wait_until(lambda: all(is_jailed(name, pid) for name in programs for pid in mail.pids(name)), "all services to be in their jails")
    return {name: mail.pids(name) for name in programs}


def ids_of(user):
    if user == "root":
        return 0, 0
    account = pwd.getpwnam({"mail_owner": "merpati", "net_owner": "merpati-net", "map_owner": "merpati-map", "sasl_owner": "merpati-sasl"}[user])
    return account.pw_uid, account.pw_gid


@pytest.fixture
def make_whole(make_merpati):
    """make_merpati, with a service of each program."""
    def make():
        mail = make_merpati()
        mail.services += WITH_COMMANDS
        mail.write_config()
        return mail

    return make


@pytest.fixture
def services(make_whole):
    mail = make_whole().start()
    return mail, wake_all(mail)


def each_process(programs):
    for name, pids in programs.items():
        if name == "postlogd":
            user, profile = "mail_owner", "queue"
        else:
            user, profile = described(name)
        for pid in pids:
            yield name, pid, user, profile


@pytest.mark.sanitized
def test_every_process_has_the_user_and_the_groups_it_says(services):
    mail, programs = services
    for name, pid, user, _ in each_process(programs):
        uid, gid = ids_of(user)
        status = status_of(pid)
        assert status["Uid"].split() == [str(uid)] * 4, name
        assert status["Gid"].split() == [str(gid)] * 4, name
        assert set(status["Groups"].split()) == {str(gid)}, name
        assert status["Umask"] == "0077", name
    assert described("smtpd")[0] == described("smtp")[0] == "net_owner"
    assert described("proxymap")[0] == "map_owner"
    assert {name for name in programs if name != "postlogd" and described(name)[0] == "root"} == ACTING_AS_OTHERS


def test_services_that_face_outside_have_the_groups_their_users_were_put_into(make_merpati):
    """So that they reach the sockets of milters; but never the groups that the queue is for."""
    names = {"net_owner": "merpati-test-net", "map_owner": "merpati-test-map"}
    for name in names.values():
        ensure_account(name)
        subprocess.run(["usermod", "-G", "audio,merpati,postdrop,root", name], check=True)
    try:
        mail = make_merpati(main=names).start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(mail.queue / "private/proxymap"))
        with mail.smtp() as client:
            client.hello()
        audio = str(grp.getgrnam("audio").gr_gid)
        for program, user in (("smtpd", "merpati-test-net"), ("proxymap", "merpati-test-map")):
            own = str(pwd.getpwnam(user).pw_gid)
            wait_until(lambda: mail.pids(program) and {tuple(sorted(status_of(pid)["Groups"].split())) for pid in mail.pids(program)}
                       == {tuple(sorted((own, audio)))}, lambda: f"{program} with its groups; log:\n{mail.tail()}")
        assert status_of(mail.pids("qmgr")[0])["Groups"].split() == [str(grp.getgrnam("merpati").gr_gid)]
    finally:
        mail.finish()
        for name in names.values():
            remove_account(name)


def test_the_users_and_the_group_are_those_that_main_cf_names(make_merpati):
    mail = make_merpati(main={"mail_owner": "games", "net_owner": "daemon", "map_owner": "bin", "setgid_group": "mail"}).start()
    for path in ("public/pickup", "private/proxymap"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(mail.queue / path))
    with mail.smtp() as client:
        client.hello()
    for program, user in (("pickup", "games"), ("smtpd", "daemon"), ("proxymap", "bin")):
        wait_until(lambda: {status_of(pid)["Uid"].split()[0] for pid in mail.pids(program)} == {str(pwd.getpwnam(user).pw_uid)},
                   lambda: f"{program} as {user}; log:\n{mail.tail()}")
    assert (mail.queue / "maildrop").stat().st_gid == grp.getgrnam("mail").gr_gid


def test_the_network_services_are_in_the_queue_directory(services):
    mail, programs = services
    for name, pid, user, _ in each_process(programs):
        root = os.readlink(f"/proc/{pid}/root")
        # Postfix's master.cf asks for it of tlsmgr, too, and so does ours.
        assert root == (str(mail.queue) if user == "net_owner" or name == "tlsmgr" else "/"), name
        assert os.readlink(f"/proc/{pid}/cwd") == str(mail.queue), name


def test_a_service_is_put_into_the_jail_that_master_cf_asks_for(make_whole, account):
    mail = make_whole()
    jailed = ("cleanup", "qmgr", "spill", "trivial-rewrite", "bounce", "pickup", "showq", "error", "verify")
    for program in jailed:
        mail.master = re.sub(rf"(?m)^(\w+\s+unix\s+\S+\s+\S+\s+)n(\s.*\s{program})$", r"\1y\2", mail.master)
    mail.write_config()
    mail.start()
    mail.sendmail(account, input="Subject: through the jails\n\nhello\n")
    mail.sendmail("-f", account, "nobody.here@localhost", input="Subject: comes back\n\nhello\n")
    assert len(mail.wait_mailbox(account, 2)) == 2
    mail.wait_empty()
    wake_all(mail)
    for program in jailed:
        for pid in mail.pids(program):
            assert os.readlink(f"/proc/{pid}/root") == str(mail.queue), program
    assert (mail.data / "verify_cache.lmdb").stat().st_uid == pwd.getpwnam("merpati").pw_uid


def test_only_master_and_agents_that_act_as_others_hold_capabilities(services):
    mail, programs = services
    for name, pid, user, _ in each_process(programs):
        status = status_of(pid)
        expected = set() if user != "root" else OF_PIPE if name == "pipe" else OF_LOCAL
        assert capabilities(status["CapEff"]) == capabilities(status["CapPrm"]) == expected, name
        assert capabilities(status["CapBnd"]) == expected, name
        assert capabilities(status["CapInh"]) == capabilities(status["CapAmb"]) == set(), name
    master = status_of(mail.master_pid())
    for field in ("CapEff", "CapPrm", "CapBnd"):
        assert capabilities(master[field]) == OF_MASTER, field


def test_a_container_that_grants_fewer_capabilities_is_enough(make_merpati, account):
    mail = make_merpati()
    few = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid,+setpcap,+sys_chroot,+net_bind_service"
    mail.run("setpriv", f"--bounding-set={few}", mail.command_directory / "merpati", "-c", mail.config, "start")
    mail.is_running = True
    mail.wait_for_port(mail.port)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("a@example.com", f"{account}@localhost", "Subject: x\n\nhello\n").code == 250
    mail.wait_mailbox(account)


def test_no_service_but_those_that_run_commands_can_gain_rights_or_leave_its_filter(services):
    mail, programs = services
    for name, pid, user, profile in each_process(programs):
        status = status_of(pid)
        is_free = name in RUNNING_COMMANDS
        assert (profile == "-") == is_free, name
        assert status["NoNewPrivs"] == ("0" if is_free else "1"), name
        if not IS_SANITIZED:
            assert status["Seccomp"] == ("0" if is_free else "2"), name
    assert described("smtpd")[1] == described("smtp")[1] == "network"
    assert {described(name)[1] for name in ("cleanup", "qmgr", "spill", "bounce", "showq", "pickup")} == {"queue"}


def test_the_environment_is_no_heritage(make_whole):
    mail = make_whole()
    mail.environment = {"LD_DEBUG_OUTPUT": "/nowhere", "SECRET": "x", "TMPDIR": "/nowhere", "TZ": "UTC"}
    mail.start()
    for name, pids in wake_all(mail).items():
        for pid in pids:
            words = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
            names = {word.split("=", 1)[0] for word in words}
            assert names <= {"LANG", "PATH", "TZ", "MAIL_CONFIG", "MERPATI_GENERATION", "MERPATI_SESSION_LIMIT"}, name


def test_descriptors_are_those_that_a_service_needs(services, account):
    mail, programs = services
    with mail.smtp() as client:
        client.hello()
        client.deliver("a@example.com", f"{account}@localhost", "Subject: x\n\nhello\n")
        mail.wait_mailbox(account)
        client.command("MAIL FROM:<a@example.com>")
        client.command(f"RCPT TO:<{account}@localhost>")
        for name, pid, user, _ in each_process({**programs, "smtpd": mail.pids("smtpd")}):
            for number, (target, flags) in descriptors(pid).items():
                if number <= 2:
                    assert target == "/dev/null", name
                    continue
                assert flags & os.O_CLOEXEC, f"{name}: {number} {target}"
                is_file = target.startswith("/")
                if name == "postscreen" and is_file and target.startswith(f"{mail.data}/"):
                    # Its cache is opened before the jail.
                    assert target.startswith(f"{mail.data}/postscreen_cache.lmdb"), name
                elif user == "net_owner" and is_file:
                    assert target in ("/etc/resolv.conf", "/etc/hosts"), name
                    assert flags & os.O_ACCMODE == os.O_RDONLY, name
                elif is_file and name in ("verify", "tlsmgr"):
                    assert target.startswith(f"{mail.data}/{'verify' if name == 'verify' else 'mta_sts'}_cache.lmdb")
                elif is_file and name not in ("cleanup", "qmgr", "postlogd"):
                    # spill holds the folder, to sync its filesystem.
                    assert (name, target) == ("spill", str(mail.queue))
    for number, (target, flags) in descriptors(mail.master_pid()).items():
        assert number <= 2 or flags & os.O_CLOEXEC, target


def test_the_folders_and_sockets_have_their_owners_and_modes(services):
    mail, _ = services

    def look(path):
        status = (mail.queue / path).lstat()
        return pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name, status.st_mode & 0o7777

    for name in ("journal", "incoming", "active", "deferred", "hold", "corrupt", "bounce", "defer", "trace"):
        assert look(name) == ("merpati", "merpati", 0o700), name
        for path in (mail.queue / name).rglob("*"):
            assert look(path)[::2] == ("merpati", 0o600), path
    assert look("") == ("root", "root", 0o755)
    assert look("pid") == ("root", "root", 0o755)
    assert look("maildrop") == ("merpati", "postdrop", 0o1730)
    assert look("public") == ("merpati", "merpati", 0o711)
    assert look("private") == ("merpati", "merpati-net", 0o710)
    status = mail.data.stat()
    assert (pwd.getpwuid(status.st_uid).pw_name, status.st_mode & 0o7777) == ("merpati", 0o700)
    for path in sockets(mail):
        closed = "merpati" if path.startswith("private/") else "postdrop"
        group = "merpati-net" if path in OPEN_TO_NETWORK else closed
        assert look(path) == ("merpati", group, 0o660), path


def test_an_intruder_in_the_network_services_place_reaches_no_mail(make_merpati):
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{free_port()}"})
    mail.start()
    mail.sendmail("someone@remote.example", input="Subject: deferred\n\nhello\n")
    mail.wait_log("status=deferred")
    wait_until(lambda: [p for p in (mail.queue / "deferred").rglob("*") if p.is_file()], "a file in deferred/")
    for name in ("incoming", "active", "hold", "maildrop", "corrupt"):
        for place in (mail.queue / name, mail.queue / name / "A"):
            place.mkdir(exist_ok=True)
            shutil.chown(place, "merpati")
            (place / "A1B2C3D4E5F").write_text("a message")
            shutil.chown(place / "A1B2C3D4E5F", "merpati")
    attempts = []
    for name in ("journal", "incoming", "active", "deferred", "hold", "maildrop", "corrupt", "bounce", "defer", "trace"):
        files = [p.relative_to(mail.queue) for p in (mail.queue / name).rglob("*") if p.is_file()]
        assert files or name in ("bounce", "defer", "trace")
        attempts += [[verb, f"/{path}"] for path in files for verb in ("read", "write")]
        attempts += [["list", f"/{name}"], ["create", f"/{name}/F00"]]
    attempts += [["create", f"/{name}/F00"] for name in ("public", "private", "pid", ".")]
    attempts += [["list", "/private"], ["list", "/public"], ["write", "/pid/master.pid"]]
    # The files are there to be opened: the owner of the queue can, in the same way.
    assert "OK" in intrude("merpati", mail.queue, attempts[:2])
    results = intrude("merpati-net", mail.queue, attempts)
    assert [(a, r) for a, r in zip(attempts, results) if r != "EACCES"] == []


def test_an_intruder_in_the_network_services_place_connects_to_few_services_only(services):
    mail, _ = services
    names = sockets(mail)
    verbs = ["send" if name == "public/postlog" else "connect" for name in names]
    results = intrude("merpati-net", mail.queue, [[verb, f"/{name}"] for verb, name in zip(verbs, names)])
    reached = {name for name, result in zip(names, results) if result == "OK"}
    assert reached == OPEN_TO_NETWORK
    assert {result for name, result in zip(names, results) if name not in reached} == {"EACCES"}
    closed = {"local", "spill", "bounce", "defer", "trace", "error", "retry", "discard", "smtp", "relay"}
    assert {f"private/{name}" for name in closed} < set(names)


def test_the_smtp_client_has_no_file_of_the_queue_but_the_one_it_sends(make_merpati, sink):
    """A small message comes inside the request, a large one as a descriptor that can only be read."""
    server = sink(replies={"DOT": STALL})
    mail = make_merpati(main={"relayhost": f"[127.0.0.1]:{server.port}"})
    mail.start()
    mail.sendmail("small@remote.example", input="Subject: small\n\nhello\n")
    wait_until(lambda: server.sessions and "DATA" in server.sessions[0].lines, "the first delivery")

    def queue_files():
        found = [row for pid in mail.pids("smtp") for row in descriptors(pid).values()]
        return [row for row in found if row[0].startswith(str(mail.queue))]

    assert queue_files() == []
    with mail.smtp() as client:
        client.hello()
        large = "Subject: large\n\n" + ("x" * 70 + "\n") * 20000
        reply = client.deliver("a@example.com", "large@remote.example", large)
        assert reply.code == 250, reply
        held = wait_until(queue_files, lambda: f"the large message's file; log:\n{mail.tail()}")
        assert len(held) == 1
        assert held[0][1] & os.O_ACCMODE == os.O_RDONLY
        assert reply.text.rsplit(" ", 1)[1] in held[0][0]
        for pid in mail.pids("smtpd"):
            assert not [row for row in descriptors(pid).values() if row[0].startswith(str(mail.queue))]


PROBE = """\
#!/bin/sh
exec >>{out}
echo "uid=$(id -u) gid=$(id -g) groups=$(id -G)"
ls -l /proc/$$/fd
grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/$$/status
env | sed 's/^/env=/'
echo end
"""


def probe(mail, name):
    out = mail.write(f"{name}.out", "")
    out.chmod(0o666)
    script = mail.write(name, PROBE.format(out=out))
    script.chmod(0o755)
    return script, out


def check_command(out, uid, gid):
    text = wait_until(lambda: (lambda t: t if t.endswith("end\n") else None)(out.read_text()), "the command's report")
    assert f"uid={uid} gid={gid} groups={gid}\n" in text
    open_ones = re.findall(r" (\d+) -> (.*)", text)
    # The shell itself holds its script.
    assert {int(number) for number, _ in open_ones} <= {0, 1, 2, 10, 255}, text
    assert [target for number, target in open_ones if int(number) > 2 and not target.endswith(str(out)[:-4])] == []
    assert re.findall(r"Cap\w+:\t(\w+)", text) == ["0" * 16] * 4
    return set(re.findall(r"env=(\w+)=", text))


COMMAND_VARIABLES = {"PATH", "HOME", "LOGNAME", "USER", "SHELL", "RECIPIENT", "ORIGINAL_RECIPIENT", "LOCAL", "DOMAIN",
                     "EXTENSION", "SENDER", "CLIENT_HOSTNAME", "CLIENT_ADDRESS", "CLIENT_HELO", "CLIENT_PROTOCOL"}


def test_a_command_gets_its_users_rights_and_nothing_else(make_merpati, home_account):
    mail = make_merpati()
    mail.environment = {"SECRET": "x", "TZ": "UTC"}
    name, home = home_account
    of_alias, of_alias_out = probe(mail, "of-alias")
    of_user, of_user_out = probe(mail, "of-user")
    mail.set(alias_maps=mail.aliases(f'gadget: "|{of_alias}"\n'), export_environment="TZ LANG", default_privs="nobody")
    (home / ".forward").write_text(f'"|{of_user}"\n')
    shutil.chown(home / ".forward", name)
    mail.start()
    nobody, account = pwd.getpwnam("nobody"), pwd.getpwnam(name)
    with mail.smtp() as client:
        client.hello()
        for recipient in ("gadget", name):
            assert client.deliver("a@example.com", f"{recipient}@localhost", "Subject: x\n\nhello\n").code == 250
    variables = check_command(of_alias_out, nobody.pw_uid, nobody.pw_gid)
    variables |= check_command(of_user_out, account.pw_uid, account.pw_gid)
    # The shell adds the last three.
    assert variables <= COMMAND_VARIABLES | {"TZ", "LANG"} | {"PWD", "OLDPWD", "_"}
    (home / ".forward").unlink()


def test_a_command_never_runs_as_root(make_merpati):
    mail = make_merpati(main={"default_privs": "root"})
    script, out = probe(mail, "of-root")
    mail.set(alias_maps=mail.aliases(f'gadget: "|{script}"\n'))
    mail.start()
    with mail.smtp() as client:
        client.hello()
        client.deliver("a@example.com", "gadget@localhost", "Subject: x\n\nhello\n")
    mail.wait_log("status=deferred.*never run as root|never run as root|must not be root")
    assert out.read_text() == ""

@pytest.fixture
def set_gid_tools():
    """postdrop and postqueue as they are installed, in a folder that everybody can reach."""
    folder = Path(tempfile.mkdtemp(prefix="merpati-setgid-", dir="/var/tmp"))
    folder.chmod(0o755)
    for name in ("postdrop", "postqueue", "sendmail"):
        shutil.copy(BUILD / "bin" / name, folder / name)
    for name in ("postdrop", "postqueue"):
        shutil.chown(folder / name, "root", "postdrop")
        (folder / name).chmod(0o2755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_default(tmp_path):
    """
    as_default(directory, words, input=...) runs words as nobody, with directory in the place of the default
    configuration directory: in a mount namespace of its own, so that nobody else sees it.
    """
    default = subprocess.run([BUILD / "bin" / "postconf", "-d", "-h", "config_directory"], capture_output=True, text=True,
                             check=True).stdout.strip()
    # Another run of the tests makes and removes the same directory.
    top = os.open("/", os.O_RDONLY)
    fcntl.flock(top, fcntl.LOCK_EX)
    is_made = not Path(default).exists()
    Path(default).mkdir(parents=True, exist_ok=True)

    script = 'mount --bind "$1" "$2" && shift 2 && exec setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"'

    def start(directory, words, environment=None):
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, "sh", str(directory), default, *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], **(environment or {})},
        )

    def run(directory, words, environment=None, input=""):
        with start(directory, words, environment) as process:
            out, err = process.communicate(input, timeout=PATIENCE * 3)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    run.start = start
    yield run
    if is_made:
        Path(default).rmdir()
    os.close(top)


def default_directory(mail, **parameters):
    """A configuration directory with main.cf alone."""
    folder = mail.path("default")
    folder.mkdir(exist_ok=True)
    lines = [f"{name} = {value}\n" for name, value in {**mail.main, **parameters}.items()]
    (folder / "main.cf").write_text("".join(lines))
    return folder


def test_a_user_submits_lists_and_flushes_by_set_gid_commands(make_merpati, set_gid_tools, as_default, account):
    mail = make_merpati(main={"command_directory": set_gid_tools, "relayhost": f"[127.0.0.1]:{free_port()}"})
    mail.start()
    default = default_directory(mail)
    sendmail = [set_gid_tools / "sendmail", "-f", "me@example.com"]
    done = as_default(default, [*sendmail, f"{account}@localhost"], input="Subject: by a user\n\nhello\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Subject: by a user" in mail.wait_mailbox(account)[0]
    mail.wait_log(rf"pickup\[\d+\]: \w+: uid={pwd.getpwnam('nobody').pw_uid} from=<me@example.com>")
    assert as_default(default, [*sendmail, "late@remote.example"], input="Subject: later\n\nhello\n").returncode == 0
    mail.wait_log("to=<late@remote.example>.*status=deferred")
    listing = as_default(default, [set_gid_tools / "postqueue", "-p"])
    assert listing.returncode == 0 and "late@remote.example" in listing.stdout
    deferred = len(mail.log_lines("status=deferred"))
    done = as_default(default, [set_gid_tools / "postqueue", "-f"])
    assert (done.returncode, done.stderr) == (0, "")
    mail.wait_log("to=<late@remote.example>.*status=deferred", deferred + 1)


def test_without_the_group_a_user_reaches_neither_maildrop_nor_the_queue(make_merpati, as_default, set_gid_tools):
    mail = make_merpati()
    mail.start()
    default = default_directory(mail)
    for name in ("postdrop", "postqueue"):
        (set_gid_tools / name).chmod(0o755)
    assert as_default(default, [set_gid_tools / "postdrop"], input="").returncode != 0
    assert as_default(default, [set_gid_tools / "postqueue", "-p"]).returncode != 0
    assert list((mail.queue / "maildrop").iterdir()) == []


@pytest.mark.parametrize("parameter", ["alternate_config_directories", "multi_instance_directories"])
def test_set_gid_commands_take_a_configuration_that_the_default_one_lists(make_merpati, set_gid_tools, as_default, parameter):
    mail = make_merpati(main={"command_directory": set_gid_tools})
    mail.start()
    listing = [set_gid_tools / "postqueue", "-p"]
    ways = [([*listing, "-c", mail.config], {}), (listing, {"MAIL_CONFIG": str(mail.config)})]
    bare = default_directory(mail, queue_directory="/nonexistent")
    for words, environment in ways:
        done = as_default(bare, words, environment)
        assert done.returncode != 0 and f"unauthorized configuration directory name: {mail.config}" in done.stderr
    done = as_default(bare, [set_gid_tools / "sendmail", "-C", mail.config, "x@example.com"], input="x\n")
    assert done.returncode != 0 and "unauthorized configuration directory name" in done.stderr
    assert list((mail.queue / "maildrop").iterdir()) == []
    listed = default_directory(mail, queue_directory="/nonexistent", **{parameter: f"/other, {mail.config}"})
    for words, environment in ways:
        done = as_default(listed, words, environment)
        assert (done.returncode, done.stdout) == (0, "Mail queue is empty\n"), done.stderr
    # As a prefix, or written in another way, it is another name.
    for name in (f"{mail.config}/", f"{mail.config}/../etc", mail.directory):
        assert "unauthorized" in as_default(listed, [*listing, "-c", name]).stderr


def test_set_gid_commands_believe_no_environment_and_load_nothing(make_merpati, set_gid_tools, as_default):
    mail = make_merpati(main={"command_directory": set_gid_tools})
    mail.start()
    default = default_directory(mail)
    hostile = {"MERPATI_FAULTS": "postdrop/create:1:ENOSPC", "LD_PRELOAD": "libm.so.6", "TZ": ":/nonexistent"}
    done = as_default(default, [set_gid_tools / "sendmail", "x@example.com"], hostile, input="Subject: x\n\nhello\n")
    assert done.returncode == 0, done.stderr
    out = subprocess.run(["ldd", set_gid_tools / "postdrop"], capture_output=True, text=True, check=True).stdout
    linked = {re.split(r"[-.]", Path(line.split()[0]).name)[0] for line in out.splitlines()}
    with as_default.start(default, [set_gid_tools / "postdrop"], hostile) as process:
        proc = Path(f"/proc/{process.pid}")
        wait_until(lambda: os.readlink(proc / "cwd") == str(mail.queue), "postdrop at work")
        loaded = {re.split(r"[-.]", Path(name).name)[0] for name in re.findall(r"(/\S+\.so\S*)$", (proc / "maps").read_text(), re.M)}
        assert status_of(process.pid)["Gid"].split()[1] == str(grp.getgrnam("postdrop").gr_gid)
        assert "libc" in loaded and loaded <= linked
        process.communicate("", timeout=PATIENCE)


def test_an_ordinary_users_system_works_and_says_that_nothing_is_separate(make_merpati, account):
    mail = make_merpati(run_as=account)
    said = mail.control("start").stderr
    mail.is_running = True
    assert "warning: running as an ordinary user: services are not separated from each other" in said
    mail.wait_log("master.*warning: running as an ordinary user: services are not separated from each other")
    mail.wait_for_port(mail.port)
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("a@example.com", f"{account}@localhost", "Subject: x\n\nhello\n").code == 250
    mail.wait_mailbox(account)
    for pid in mail.all_pids():
        status = status_of(pid)
        assert status["Uid"].split() == [str(pwd.getpwnam(account).pw_uid)] * 4
        assert capabilities(status["CapEff"]) == set()
