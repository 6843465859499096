# SPDX-License-Identifier: Apache-2.0
"""pipe with commands that misbehave, with lines of master.cf that are of no use, and as whom commands run."""

import os
import re
import shutil

import pytest
from support.recorder import Recorder
from support.waiting import wait_until

pytestmark = pytest.mark.sanitized

SENDER = "a@example.com"
TEXT = "Subject: x\n\nhello\n"


@pytest.fixture
def make_pipe(make_merpati, account):
    """make_pipe(service="attributes", ...) - an instance with those services, their commands recorders."""

    def make(main=None, run_as=None, maxproc="-", **services):
        names = list(services)
        mail = make_merpati(run_as=run_as, main=main or {})
        mail.recorder = Recorder(mail)
        table = "".join(f"{name}.test {name}:\n" for name in names)
        mail.set(transport_maps="texthash:" + str(mail.write("transport", f"example.com discard:\n{table}")))
        mail.services += [
            f"{name} unix - n n - {maxproc} pipe {attributes}".replace("RUN", f"{mail.recorder.path} {name}").replace("USER", account)
            for name, attributes in services.items()
        ]
        mail.write_config()
        return mail

    return make


def send(mail, name, text=TEXT, sender=SENDER, count=1):
    for number in range(count):
        mail.sendmail("-f", sender, f"user{number}@{name}.test", input=text)


def status(name, number=0):
    """A line that is too long for the log has no end."""
    return rf"pipe\[\d+\]: \w+: to=<user{number}@{name}\.test>, relay={name}, .*dsn=(.*), status=(\w+) \((.*?)\)?$"


def outcome(mail, name, number=0):
    return mail.wait_log(status(name, number)).groups()


HANGS = {
    "sleeps": "sleep 100000",
    "ignores": "trap '' TERM HUP INT; while :; do sleep 1; done",
    "forks": "for n in 1 2 3 4 5 6 7 8 9 10; do (sleep 100000 & (sleep 100000 & sleep 100000) & wait) & done; wait",
    "writes for ever": "exec yes",
    "does not read": "exec sleep 100000",
}


@pytest.mark.parametrize("how", HANGS)
def test_a_command_that_hangs_is_ended_and_other_mail_goes_on(make_pipe, how):
    mail = make_pipe(main={"hung_time_limit": "2s"}, hung="user=USER argv=RUN", good="user=USER argv=RUN")
    if how == "does not read":
        # As the very first thing: 1 MB waits in vain.
        script = mail.path("recorder")
        script.write_text(f"#!/bin/sh\n[ $1 = hung ] && {{ : >{mail.directory}/records/hung.begun; {HANGS[how]}; }}\n" + script.read_text())
    mail.recorder.behave("hung", f"echo $$ >{mail.directory}/records/hung.pid; : >{mail.directory}/records/hung.begun; {HANGS[how]}")
    mail.start()
    send(mail, "hung", text=TEXT + "0123456789\n" * 90000)
    wait_until((mail.directory / "records" / "hung.begun").exists, "the command that hangs")
    send(mail, "good", count=3)
    for number in range(3):
        assert outcome(mail, "good", number)[1] == "sent"
    dsn, word, text = outcome(mail, "hung")
    assert (dsn, word) == ("5.3.0", "bounced")
    assert text.startswith(f'Command time limit exceeded: "{mail.recorder.path}"')
    assert len(text) < 5000
    mail.wait_empty()
    if how != "does not read":
        group = int((mail.directory / "records" / "hung.pid").read_text())
        wait_until(lambda: not processes_of_group(group), lambda: f"the end of {processes_of_group(group)}")


def processes_of_group(group):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry))
    return found


def test_a_command_that_leaves_a_process_behind_has_delivered(make_pipe):
    """The one that stays holds the output, which is waited for as long as the command might have taken, and not longer."""
    mail = make_pipe(main={"left_time_limit": "2s"}, left="user=USER argv=RUN", quiet="user=USER argv=RUN")
    mail.recorder.behave("left", "setsid sleep 6 & exit 0")
    mail.recorder.behave("quiet", "setsid sleep 6 >/dev/null 2>&1 </dev/null & exit 0")
    mail.start()
    send(mail, "left")
    send(mail, "quiet")
    assert outcome(mail, "quiet") == ("2.0.0", "sent", "delivered via quiet service")
    assert outcome(mail, "left") == ("2.0.0", "sent", "delivered via left service")
    mail.wait_empty()


def test_output_without_end_is_cut(make_pipe):
    mail = make_pipe(much="user=USER argv=RUN", bad="user=USER argv=RUN")
    mail.recorder.behave("much", "head -c 30000000 /dev/zero | tr '\\0' x; exit 0")
    mail.recorder.behave("bad", "head -c 30000000 /dev/zero | tr '\\0' '\\n'; echo end; exit 67")
    mail.start()
    send(mail, "much")
    send(mail, "bad")
    dsn, word, text = outcome(mail, "much")
    assert (dsn, word) == ("2.0.0", "sent")
    assert re.fullmatch(r"delivered via much service \(x{100}\)", text)
    assert outcome(mail, "bad")[:2] == ("5.1.1", "bounced")
    mail.wait_empty()


def test_a_command_need_not_read(make_pipe):
    mail = make_pipe(blind="user=USER argv=/bin/true", wrong="user=USER argv=/bin/false")
    mail.start()
    send(mail, "blind", text=TEXT + "0123456789\n" * 200000)
    send(mail, "wrong", text=TEXT + "0123456789\n" * 200000)
    assert outcome(mail, "blind")[1] == "sent"
    assert outcome(mail, "wrong") == ("5.3.0", "bounced", 'Command died with status 1: "/bin/false"')


def test_the_limit_of_time_is_the_services_own_or_that_of_all(make_pipe):
    mail = make_pipe(main={"command_time_limit": "1s", "patient_time_limit": "1000s"}, patient="user=USER argv=RUN", hasty="user=USER argv=RUN")
    go = mail.directory / "go"
    mail.recorder.behave("patient", f"while [ ! -e {go} ]; do sleep 0.05; done")
    mail.recorder.behave("hasty", f"while [ ! -e {go} ]; do sleep 0.05; done")
    mail.start()
    send(mail, "patient")
    mail.recorder.wait_calls("patient")
    send(mail, "hasty")
    assert "time limit exceeded" in outcome(mail, "hasty")[2]
    go.touch()
    assert outcome(mail, "patient")[1] == "sent"


def test_no_more_commands_run_than_maxproc_says(make_pipe):
    mail = make_pipe(maxproc="1", one="user=USER argv=RUN")
    folder = mail.directory / "running"
    folder.mkdir()
    folder.chmod(0o777)
    mail.recorder.behave("one", f"mkdir {folder}/it || echo crowded; sleep 0.05; rmdir {folder}/it")
    mail.start()
    send(mail, "one", count=8)
    mail.wait_empty()
    assert len(mail.recorder.calls("one")) == 8
    assert "crowded" not in mail.log_text()


def test_the_agent_may_die_while_a_command_runs(make_pipe):
    mail = make_pipe(dies="user=USER argv=RUN")
    mail.recorder.behave("dies", "sleep 100000")
    mail.start()
    send(mail, "dies")
    mail.recorder.wait_calls("dies")
    mail.recorder.behave("dies", "exit 0")
    assert mail.kill("pipe") >= 1

    def is_delivered():
        mail.command("postqueue", "-f")
        return "status=sent (delivered via dies service)" in mail.log_text()

    wait_until(is_delivered, lambda: f"the delivery; log:\n{mail.tail()}")
    assert all("hello" in call["input"] for call in mail.recorder.calls("dies"))
    # Nobody else ends the command of an agent that was killed.
    assert mail.kill("sleep") == 1


def test_a_reload_lets_commands_finish(make_pipe):
    mail = make_pipe(busy="user=USER argv=RUN")
    go = mail.directory / "go"
    mail.recorder.behave("busy", f"while [ ! -e {go} ]; do sleep 0.05; done; echo finished")
    mail.start()
    send(mail, "busy")
    mail.recorder.wait_calls("busy")
    mail.reload()
    go.touch()
    assert outcome(mail, "busy")[1:] == ("sent", "delivered via busy service (finished)")
    assert len(mail.recorder.calls("busy")) == 1


USELESS = {
    "flags=Z user=USER argv=RUN": "unknown flag: Z",
    "user=USER": "missing argv= command-line attribute",
    "argv=RUN": "missing user= command-line attribute",
    "user= argv=RUN": "missing user= command-line attribute",
    "what=ever user=USER argv=RUN": "unknown attribute name: what=ever",
    "size=big user=USER argv=RUN": "bad size= value: big",
    "user=USER argv=RUN ${nothing}": 'unknown macro name: "nothing"',
    "user=USER argv=RUN ${user": 'truncated macro reference: "${user"',
    "user=nosuchuser argv=RUN": "unknown username: nosuchuser",
    "user=USER:nosuchgroup argv=RUN": "unknown group: nosuchgroup",
}


def test_merpati_check_names_lines_of_no_use(make_pipe):
    services = {f"useless{number}": attributes for number, attributes in enumerate(USELESS)}
    mail = make_pipe(**services, good="flags=DRX user=USER argv=RUN ${recipient}")
    told = mail.control("check", check=False).stderr
    for number, attributes in enumerate(USELESS):
        assert re.search(rf"service useless{number}/unix: {re.escape(USELESS[attributes])}: what comes to it waits", told)
    assert "service good" not in told


@pytest.mark.parametrize("attributes", USELESS)
def test_a_line_of_no_use_makes_mail_wait_with_the_reason(make_pipe, attributes):
    mail = make_pipe(useless=attributes, good="user=USER argv=RUN").start()
    send(mail, "useless")
    send(mail, "good")
    assert outcome(mail, "useless") == ("4.3.5", "deferred", f"mail system configuration error: {USELESS[attributes]}")
    assert outcome(mail, "good")[1] == "sent"
    assert mail.recorder.calls("useless") == []
    assert "killed by signal" not in mail.log_text()


OWNERS = {
    "root": "user= command-line attribute specifies root privileges",
    "USER:root": "user= command-line attribute specifies root group privileges",
    "merpati": "user= command-line attribute specifies mail system owner merpati",
    "USER:merpati": "user= command-line attribute specifies the group of mail system owner merpati",
    "merpati-net": "user= command-line attribute specifies mail system owner merpati-net",
    "USER:postdrop": "user= command-line attribute specifies mail system group postdrop",
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")
def test_no_command_runs_as_root_or_as_the_mail_system(make_pipe):
    services = {f"owner{number}": f"user={owner} argv=RUN" for number, owner in enumerate(OWNERS)}
    mail = make_pipe(**services).start()
    for (number, owner) in enumerate(OWNERS):
        name = f"owner{number}"
        send(mail, name)
        assert outcome(mail, name) == ("4.3.5", "deferred", f"mail system configuration error: {OWNERS[owner]}")
        assert mail.recorder.calls(name) == []


def test_an_ordinary_user_runs_commands_as_that_user_alone(make_pipe, account):
    mail = make_pipe(run_as=account if os.geteuid() == 0 else None, own="user=USER argv=RUN", other="user=daemon argv=RUN").start()
    send(mail, "own")
    send(mail, "other")
    assert outcome(mail, "own")[1] == "sent"
    dsn, word, text = outcome(mail, "other")
    assert (dsn, word) == ("4.3.5", "deferred")
    assert re.search(r"runs as user \d+ and cannot deliver as user \d+; start it as root for that", text)
    assert mail.recorder.calls("other") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the root directory")
def test_a_command_may_have_a_root_directory_of_its_own(either, account):
    mail = either()
    root = mail.directory / "root"
    for path in ("/bin/dash", *re.findall(r"/\S+", os.popen("ldd /bin/dash").read())):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (root / "in").mkdir()
    (root / "in").chmod(0o777)
    script = root / "bin" / "script"
    script.write_text("#!/bin/dash\n{ pwd; echo /*; read first; echo $first; } >/in/out.new\necho done\n")
    script.chmod(0o755)
    for folder in (root, *root.rglob("*")):
        if folder.is_dir() and folder.name != "in":
            folder.chmod(0o755)
    mail.set(transport_maps="texthash:" + str(mail.write("transport", "one.test one:\ntwo.test two:\nexample.com discard:\n")))
    mail.services += [f"one unix - n n - - pipe chroot={root} user={account} argv=/bin/script",
                      f"two unix - n n - - pipe chroot={root} directory=/in user={account} argv=/bin/script"]
    mail.write_config()
    mail.start()
    for name, place in (("one", "/"), ("two", "/in")):
        mail.sendmail("-f", SENDER, f"user@{name}.test", input=TEXT)
        mail.wait_log(rf"relay={name}, .*status=sent \(delivered via {name} service \(done\)\)")
        lines = (root / "in" / "out.new").read_text().splitlines()
        assert lines[0] == place
        assert lines[1] == "/bin /in /lib /lib64" or set(lines[1].split()) <= {"/bin", "/in", "/lib", "/lib64", "/usr"}
        assert lines[2].startswith("Received: ")


def test_a_message_that_cannot_be_read_is_not_taken_for_a_short_one(make_pipe):
    """A large one, whose file is cut under the agent while the command reads."""
    mail = make_pipe(cut="user=USER argv=RUN")
    script = mail.path("recorder")
    begun, go = mail.directory / "records" / "begun", mail.directory / "go"
    script.write_text(f"#!/bin/sh\n: >{begun}\nwhile [ ! -e {go} ]; do sleep 0.05; done\ncat >{mail.directory}/records/got && : >{mail.directory}/records/whole\n")
    mail.start()
    send(mail, "cut", text=TEXT + "0123456789\n" * 200000)
    wait_until(begun.exists, "the command")
    files = [path for path in mail.queue.rglob("*") if path.is_file() and path.stat().st_size > 1000000 and "journal" not in str(path)]
    assert len(files) == 1
    os.truncate(files[0], 500000)
    go.touch()
    assert outcome(mail, "cut")[1] == "deferred"
    assert not (mail.directory / "records" / "whole").exists()
