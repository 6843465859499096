# SPDX-License-Identifier: Apache-2.0
"""Several mail systems on one machine: postmulti, and what merpati does when there are several."""

import re
import shutil

import pytest
from support.default_instance import run_with_default
from support.instance import IS_ROOT, SOURCE, age


@pytest.fixture
def primary(make_merpati):
    """A primary instance with prototypes, whose secondaries log where it does."""
    mail = make_merpati(main={"meta_directory": "$config_directory", "multi_instance_enable": "yes"})
    (mail.config / "main.cf.proto").write_text("maillog_file = {}\nmaillog_file_prefixes = {}\ncompatibility_level = 3.6\nmyhostname = other.example.test\n".format(mail.log, mail.directory))
    shutil.copy(SOURCE / "conf/master.cf", mail.config / "master.cf.proto")
    mail.made = []
    yield mail
    for name in mail.made:
        mail.command("merpati", "-c", mail.path(name), "abort", check=False)


def postmulti(mail, *words, **options):
    return mail.command("postmulti", "-c", mail.config, *words, **options)


def create(mail, name, *words):
    mail.made.append(name)
    return postmulti(mail, "-e", "create", "-I", name, *words, f"queue_directory={mail.path(name + '-queue')}", f"data_directory={mail.path(name + '-data')}")


def listed(mail, *words):
    return [tuple(line.split()) for line in postmulti(mail, "-l", *words).stdout.splitlines()]


def directories(mail):
    return mail.command("postconf", "-c", mail.config, "-h", "multi_instance_directories").stdout.split()


def queue_setting(mail, name):
    return mail.command("postconf", "-c", mail.path(name), "-h", "queue_directory").stdout.strip()


def test_alone_the_primary_is_the_family(primary):
    assert listed(primary) == [("-", "-", "y", str(primary.config))]


def test_init_switches_it_on(make_merpati):
    mail = make_merpati()
    postmulti(mail, "-e", "init")
    told = mail.command("postconf", "-c", mail.config, "-h", "multi_instance_wrapper", "multi_instance_enable").stdout
    assert told.split("\n")[:2] == ["${command_directory}/postmulti -p --", "yes"]


def test_a_new_instance_has_its_place_its_directories_and_no_clients(primary):
    create(primary, "merpati-out", "-G", "mta")
    assert listed(primary) == [("-", "-", "y", str(primary.config)), ("merpati-out", "mta", "n", str(primary.path("merpati-out")))]
    assert (primary.path("merpati-out-queue") / "deferred").is_dir() and primary.path("merpati-out-data").is_dir()
    text = (primary.path("merpati-out") / "main.cf").read_text()
    for line in ("master_service_disable = inet", "authorized_submit_users =", "multi_instance_name = merpati-out", "multi_instance_group = mta"):
        assert re.search(rf"(?m)^{re.escape(line)}\s*$", text), text
    assert (primary.path("merpati-out") / "master.cf").read_text() == (SOURCE / "conf/master.cf").read_text()


def test_without_words_the_directories_are_the_primarys_neighbours(primary):
    primary.made.append("merpati-near")
    postmulti(primary, "-e", "create", "-I", "merpati-near")
    assert queue_setting(primary, "merpati-near") == str(primary.path("merpati-near"))


def test_the_order_is_what_a_g_and_i_say_and_R_turns_it_round(primary):
    create(primary, "merpati-b", "-G", "mta")
    create(primary, "merpati-c", "-i", "merpati-b", "-G", "in")
    create(primary, "merpati-a", "-a")
    create(primary, "merpati-d", "-g", "mta")
    create(primary, "merpati-e")
    order = ["-", "merpati-a", "merpati-c", "merpati-d", "merpati-b", "merpati-e"]
    assert [line[0] for line in listed(primary)] == order
    assert [line[0] for line in listed(primary, "-R")] == order[::-1]
    assert [line[0] for line in listed(primary, "-g", "mta")] == ["merpati-b"]
    assert [line[0] for line in listed(primary, "-i", "merpati-c")] == ["merpati-c"]
    assert [line[0] for line in listed(primary, "-i", primary.path("merpati-c"))] == ["merpati-c"]
    assert [line[0] for line in listed(primary, "-i", "-")] == ["-"]


def test_commands_see_each_instance_in_their_environment(primary):
    create(primary, "merpati-out", "-G", "mta")
    told = postmulti(primary, "-g", "mta", "-x", "sh", "-c", 'echo $multi_instance_name $multi_instance_group $multi_instance_enable $MAIL_CONFIG $queue_directory').stdout
    assert told.split() == ["merpati-out", "mta", "no", str(primary.path("merpati-out")), str(primary.path("merpati-out-queue"))]
    failed = postmulti(primary, "-x", "sh", "-c", 'test "$multi_instance_name" = merpati-out', check=False)
    assert failed.returncode == 1


def test_names_are_assigned_and_taken_away(primary):
    create(primary, "merpati-out", "-G", "mta")
    postmulti(primary, "-e", "assign", "-i", "merpati-out", "-I", "merpati-new", "-G", "-")
    assert listed(primary)[1][:2] == ("merpati-new", "-")
    postmulti(primary, "-e", "assign", "-i", "merpati-new", "-I", "-")
    assert listed(primary)[1][:2] == ("-", "-")
    postmulti(primary, "-e", "enable", "-i", primary.path("merpati-out"))
    assert listed(primary)[1][2] == "y"
    postmulti(primary, "-e", "disable", "-i", primary.path("merpati-out"))
    assert listed(primary)[1][2] == "n"


@pytest.mark.parametrize(
    "words, reason",
    [
        (("-e", "create", "-I", "out"), "names begin with merpati-"),
        (("-e", "create", "-I", "merpati-a b"), "write letters"),
        (("-e", "create"), "config_directory=/path"),
        (("-e", "create", "-I", "merpati-x", "queue_directory=here"), "begins with /"),
        (("-e", "assign", "-i", "merpati-no", "-G", "x"), "no instance is named merpati-no"),
        (("-e", "assign", "-i", "-"), "-I name or -G group"),
        (("-e", "enable"), "Write -i name"),
        (("-e", "destroy", "-i", "-"), "no action on the primary instance"),
        (("-e", "deport", "-i", "-"), "no action on the primary instance"),
        (("-e", "import", "config_directory=/nonexistent"), "/nonexistent"),
        (("-e", "import", "config_directory=/nonexistent", "-G", "x"), '-G: "postmulti -e import" does not take that'),
        (("-e", "enable", "-i", "-", "queue_directory=/x"), "does not take that"),
        (("-e", "explode"), "usage"),
        (("-l", "-p", "status"), "usage"),
        (("-R", "-p", "status"), "usage"),
        (("-x",), "usage"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(primary, words, reason):
    before = (primary.config / "main.cf").read_text()
    refused = postmulti(primary, *words, check=False)
    assert refused.returncode == 1 and reason in refused.stderr
    assert (primary.config / "main.cf").read_text() == before


def test_no_two_share_a_name_or_a_queue(primary):
    create(primary, "merpati-out")
    again = postmulti(primary, "-e", "create", "-I", "merpati-out", check=False)
    assert again.returncode == 1 and "is that of" in again.stderr
    shared = postmulti(primary, "-e", "create", "-I", "merpati-two", f"queue_directory={primary.queue}", check=False)
    assert shared.returncode == 1 and f"queue_directory = {primary.queue} is that of" in shared.stderr
    assert not primary.path("merpati-two").exists()


def test_an_instance_is_deported_imported_and_destroyed(primary):
    create(primary, "merpati-out")
    place = primary.path("merpati-out")
    postmulti(primary, "-e", "deport", "-i", "merpati-out")
    assert directories(primary) == [] and (place / "main.cf").exists()
    postmulti(primary, "-e", "import", "-G", "mta", f"config_directory={place}")
    assert listed(primary)[1] == ("merpati-out", "mta", "n", str(place))
    postmulti(primary, "-e", "enable", "-i", "merpati-out")
    refused = postmulti(primary, "-e", "destroy", "-i", "merpati-out", check=False)
    assert refused.returncode == 1 and "is enabled" in refused.stderr and (place / "main.cf").exists()
    postmulti(primary, "-e", "disable", "-i", "merpati-out")
    (place / "mine").write_text("kept\n")
    told = postmulti(primary, "-e", "destroy", "-i", "merpati-out").stderr
    assert [path.name for path in place.iterdir()] == ["mine"] and f"{place} stays" in told
    assert directories(primary) == []
    assert not primary.path("merpati-out-queue").exists() and not primary.path("merpati-out-data").exists()


def start_with_mail(mail, name):
    """Starts a secondary that relays to nobody, and leaves a message in its queue."""
    settings = ["authorized_submit_users = static:anyone", "default_transport = retry: not now", "inet_interfaces = 127.0.0.1", "mydestination ="]
    mail.command("postconf", "-c", mail.path(name), "-e", *settings)
    mail.command("merpati", "-c", mail.path(name), "start")
    mail.command("sendmail", "-C", mail.path(name), "-f", "a@example.test", "b@example.test", input="Subject: x\n\nx\n", environment={"MAIL_CONFIG": str(mail.path(name))})
    mail.wait_log(r"merpati-out/.*status=deferred \(not now\)")


def test_an_instance_that_runs_or_has_mail_is_not_destroyed(primary):
    create(primary, "merpati-out")
    start_with_mail(primary, "merpati-out")
    refused = postmulti(primary, "-e", "destroy", "-i", "merpati-out", check=False)
    assert refused.returncode == 1 and "is running" in refused.stderr
    primary.command("merpati", "-c", primary.path("merpati-out"), "stop")
    refused = postmulti(primary, "-e", "destroy", "-i", "merpati-out", check=False)
    assert refused.returncode == 1 and "is not empty" in refused.stderr
    assert len(directories(primary)) == 1
    primary.command("postsuper", "-c", primary.path("merpati-out"), "-d", "ALL")
    postmulti(primary, "-e", "destroy", "-i", "merpati-out")
    assert directories(primary) == [] and not primary.path("merpati-out-queue").exists()


@pytest.mark.parametrize("words", [("-l", "-i", "nosuch"), ("-p", "-g", "nosuch", "status"), ("-x", "-i", "nosuch", "true")])
def test_a_name_that_nobody_has_is_told(primary, words):
    refused = postmulti(primary, *words, check=False)
    assert refused.returncode == 1 and "no instance has the name or the group that was asked for" in refused.stderr


def test_enabled_instances_are_started_reloaded_and_stopped_together(primary):
    create(primary, "merpati-on")
    create(primary, "merpati-off")
    postmulti(primary, "-e", "enable", "-i", "merpati-on")
    postmulti(primary, "-p", "start")
    try:
        status = postmulti(primary, "-p", "status", check=False).stderr
        told = re.findall(r"(\S+): the Merpati mail system is (running|not running)", status)
        assert told == [("merpati", "running"), ("merpati-on/merpati", "running"), ("merpati-off/merpati", "not running")], status
        postmulti(primary, "-p", "reload")
        primary.wait_log(r"merpati-on/master\[\d+\]: reload")
        primary.wait_log(r"merpati/master\[\d+\]: reload")
    finally:
        postmulti(primary, "-p", "stop", check=False)
    log = primary.log_text()
    assert log.index("merpati-on/merpati[") < log.rindex("merpati/merpati[")
    stops = re.findall(r"(merpati\S*)/merpati\[\d+\]: stopping the", log)
    assert stops == ["merpati-on", "merpati"]
    assert not re.search(r"merpati-off/merpati\[\d+\]: (starting|stopping|refreshing)", log)


def test_which_commands_go_to_whom_is_the_administrators_word(primary):
    create(primary, "merpati-off")
    primary.set(multi_instance_directories=str(primary.path("merpati-off")), postmulti_start_commands="check", postmulti_stop_commands="status", postmulti_control_commands="")
    told = postmulti(primary, "-p", "status", check=False).stderr
    assert told.count("mail system is") == 1  # a stop command skips who is not enabled
    flushed = postmulti(primary, "-p", "flush", check=False)
    assert flushed.returncode == 1 and flushed.stderr.count("down") == 2  # no control command any more: told both


def test_merpati_without_c_gives_the_command_to_the_manager(primary):
    if not IS_ROOT:
        pytest.skip("another /etc/merpati needs root")
    create(primary, "merpati-off")
    seen = primary.path("seen")
    manager = primary.write("manager", f'#!/bin/sh\necho "$command_directory $config_directory $*" > {seen}\n')
    manager.chmod(0o755)
    primary.set(multi_instance_directories=str(primary.path("merpati-off")), multi_instance_wrapper=f"{manager} -p --")
    age(primary.config / "main.cf")
    run_with_default(primary, f"{primary.command_directory}/merpati status")
    assert seen.read_text() == f"{primary.command_directory} /etc/merpati -p -- status\n"
    seen.unlink()
    assert primary.control("status", check=False).returncode == 1 and not seen.exists()
