# SPDX-License-Identifier: Apache-2.0
"""How long a server may take at each step, by SMTP and LMTP: a transport for each limit, with a server that says nothing there."""

import contextlib
import socket

from support.smtp_sink import STALL

XFORWARD = ["PIPELINING", "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT"]
# What is silent, and what is said of it.
STEPS = {
    "smtp_helo_timeout": ("GREETING", "receiving the initial server greeting"),
    "smtp_mail_timeout": ("MAIL", "sending MAIL FROM"),
    "smtp_rcpt_timeout": ("RCPT", "sending RCPT TO"),
    "smtp_data_init_timeout": ("DATA", "sending DATA command"),
    "smtp_data_done_timeout": ("DOT", "sending end of data -- message may be sent more than once"),
    "smtp_xforward_timeout": ("XFORWARD", "sending XFORWARD name/address"),
    "lmtp_lhlo_timeout": ("LHLO", "performing the LHLO handshake"),
    "lmtp_mail_timeout": ("MAIL", "sending MAIL FROM"),
    "lmtp_rcpt_timeout": ("RCPT", "sending RCPT TO"),
    "lmtp_data_init_timeout": ("DATA", "sending DATA command"),
    "lmtp_data_done_timeout": ("DOT", "sending end of data -- message may be sent more than once"),
    "lmtp_xforward_timeout": ("XFORWARD", "sending XFORWARD name/address"),
}
HOST = r"127\.0\.0\.1\[127\.0\.0\.1\]"


def test_each_step_has_its_limit(either, sink):
    """All at once, so that all together take as long as one."""
    mail = either(main={"smtp_send_xforward_command": "yes", "lmtp_send_xforward_command": "yes"})
    routes = ""
    for name, (step, _) in STEPS.items():
        program = name[:4]
        server = sink(is_lmtp=program == "lmtp", replies={step: STALL}, extensions=XFORWARD)
        mail.services.append(f"{name} unix - - {mail.chroot} - - {program} -o {name}=1s")
        routes += f"{name}.test {name}:[127.0.0.1]:{server.port}\n".replace("[127.0.0.1]", "inet:127.0.0.1" if program == "lmtp" else "[127.0.0.1]")
    mail.set(transport_maps=f"texthash:{mail.write('transport', routes)}")
    mail.start()
    with mail.smtp() as client:
        client.hello()
        assert client.deliver("", [f"u@{name}.test" for name in STEPS], "Subject: x\n\nhello\n").code == 250
    for name, (_, doing) in STEPS.items():
        mail.wait_log(rf"to=<u@{name}\.test>, relay={HOST}:\d+, .*dsn=4\.4\.2, status=deferred \(conversation with {HOST} timed out while {doing}\)")


@contextlib.contextmanager
def full_backlog():
    """The port of a server that takes no more connections: what comes is not answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_connection_is_waited_for_as_long_as_the_service_says(either):
    with full_backlog() as port:
        mail = either()
        mail.services.append(f"short unix - - {mail.chroot} - - smtp -o smtp_connect_timeout=1s")
        mail.set(smtp_connect_timeout="600s", transport_maps=f"inline:{{long.test=smtp:[127.0.0.1]:{port}, short.test=short:[127.0.0.1]:{port}}}")
        mail.start()
        for name in ("long", "short"):
            mail.sendmail("-f", "s@example.test", f"u@{name}.test", input="Subject: x\n\nhello\n")
            mail.wait_log(r"from=<s@example\.test>, .*queue active", 1 if name == "long" else 2)
        mail.wait_log(rf"to=<u@short\.test>, relay=none, .*dsn=4\.4\.1, status=deferred \(connect to {HOST}:{port}: Connection timed out\)")
        assert not mail.log_lines(r"to=<u@long\.test>")
