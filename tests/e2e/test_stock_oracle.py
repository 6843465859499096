# SPDX-License-Identifier: Apache-2.0
"""The oracle itself: stock Postfix runs beside whatever else the machine runs, and delivers."""


def test_stock_postfix_delivers_in_its_own_directory(stock, account):
    postfix = stock()
    with postfix.smtp() as client:
        assert client.greeting.text == "220 mail.example.test ESMTP Merpati"
        client.hello()
        assert client.deliver("a@example.com", f"{account}@localhost", "Subject: x\n\nhello\n").code == 250
    assert "hello" in postfix.wait_mailbox(account)[0]
