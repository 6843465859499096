/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/remembered.h"

#include "unit.h"

TEST(a_kept_reason_tells_its_cause_again)
{
    static const char *const rows[][4] = {
        { "host mx.example[192.0.2.1] said: 450 4.2.1 later (in reply to RCPT TO command)", "mx.example", "",
          "450 4.2.1 later" },
        { "host mx.example[192.0.2.1]:26 said: 450-a said: b 450 (in reply to x) c (in reply to end of DATA command)",
          "mx.example", "", "450-a said: b 450 (in reply to x) c" },
        { "host mx.example[private/lmtp] refused to talk to me: 421 4.3.2 busy", "mx.example", "", "421 4.3.2 busy" },
        { "temporary failure. Command output: try again ", "", "x-unix", "try again" },
        { "host mx.example said: what", "", "", "" },
        { "connect to mx.example[192.0.2.1]:25: Connection refused", "", "", "" },
        { "lost connection with mx.example[192.0.2.1] while receiving the initial server greeting", "", "", "" },
        { "", "", "", "" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bounce_recipient recipient = { .reason = str_from_c(rows[i][0]) };

        remembered_fill(&recipient);
        EXPECT_STR(recipient.remote_mta, str_from_c(rows[i][1]));
        EXPECT_STR(recipient.diagnostic_type, str_from_c(rows[i][2]));
        EXPECT_STR(recipient.diagnostic, str_from_c(rows[i][3]));
    }
}
