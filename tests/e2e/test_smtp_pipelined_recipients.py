# SPDX-License-Identifier: Apache-2.0
"""A client that sends its RCPT commands one behind the other: each is judged by where it leads itself, in its turn."""


def test_each_of_many_has_its_own_answer(make_merpati, account, sink):
    server = sink()
    mail = make_merpati(main={"recipient_delimiter": "+", "relayhost": f"[127.0.0.1]:{server.port}",
                              "smtpd_hard_error_limit": "1000",
                              "smtpd_soft_error_limit": "1000", "smtpd_junk_command_limit": "1000"})
    mail.start()
    kinds = [("<u{}@away.example>", 250), ("<nobody{}@localhost>", 550), (f"<{account}+{{}}@localhost>", 250), ("<u{}@>", 501),
             ("<v{}@other.example> NOTIFY=NEVER", 250), ("<v{}@other.example> FOO=1", 555)]
    rows = [(kinds[i % len(kinds)][0].format(i), kinds[i % len(kinds)][1]) for i in range(240)]
    rows.append((f"<{account}+240@localhost>", 250))
    with mail.smtp() as client:
        client.hello()
        assert client.command("MAIL FROM:<s@example.test>").code == 250
        client.send("".join(f"RCPT TO:{path}\r\n" for path, _ in rows).encode())
        assert [(path, client.reply().code) for path, _ in rows] == rows
        assert client.command("RSET").code == 250
        # What was foreseen for a transaction that came to nothing is no harm to the next.
        client.send(b"MAIL FROM:<t@example.test>\r\nRCPT TO:<no-such-user@localhost>\r\nRSET\r\nMAIL FROM:<s@example.test>\r\n"
                    b"RCPT TO:<one@away.example>\r\nRCPT TO:<no-such-user@localhost>\r\nRCPT TO:<two@away.example>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(8)] == [250, 550, 250, 250, 250, 550, 250, 354]
        assert client.command("Subject: x\r\n\r\nhello\r\n.").code == 250
    server.wait_for(1)
    assert sorted(address for message in server.messages for address in message.recipients) == ["one@away.example",
                                                                                              "two@away.example"]
