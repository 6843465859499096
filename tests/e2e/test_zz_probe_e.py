import subprocess,time,os,pytest,threading
def test_probe(make_merpati, account):
    mail = make_merpati(main={"relayhost":"[127.0.0.1]:9", "spool_segment_age":"2s","minimal_backoff_time":"30s","maximal_backoff_time":"30s"})
    mail.start()
    with mail.smtp() as c:
        c.hello()
        for i in range(3):
            print(c.deliver("a@example.com", f"x{i}@example.org", "Subject: x\n\nhello\n"))
    time.sleep(3); print(mail.command("postqueue","-p").stdout); time.sleep(1)
    p=subprocess.Popen([str(mail.program) if os.path.exists(str(mail.program)) else os.path.join(mail.command_directory,"merpati"),"-c",mail.config,"stop"])
    time.sleep(6)
    print(subprocess.run(f"find {mail.queue} -type f | head -50; ps ax -o pid,ppid,args | grep libexec | grep {mail.directory} | grep -v grep | head -30; ps ax -o pid,ppid,args| grep 'Eq/libexec'; ss -xp | grep -E 'qmgr'", shell=True, capture_output=True,text=True).stdout)
    for pr in ("qmgr",):
        for pid in mail.pids(pr):
            print(pr, pid, subprocess.run(["gdb","-p",str(pid),"-batch","-ex","thread 1","-ex","frame function fiber_run","-ex","p *(struct daemon*)context","-ex","p ((struct qmgr*)((struct daemon*)context)->context)->keeper"],capture_output=True,text=True).stdout[-6000:])
    p.kill()
    assert 0
