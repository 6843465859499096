# SPDX-License-Identifier: Apache-2.0
"""How long a server may take at each step, by SMTP and LMTP: a transport for each limit, with a server that says nothing there."""

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
