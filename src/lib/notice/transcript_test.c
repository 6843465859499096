/* SPDX-License-Identifier: Apache-2.0 */
#include "notice/transcript.h"

#include "unit.h"

#include <string.h>

static void expect_body(const struct transcript *transcript, const struct transcript_mail *mail, const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    transcript_write_body(transcript, mail, &out);
    EXPECT_TEXT(strbuf_c(&out), expected);
    strbuf_done(&out);
}

TEST(what_was_said_stands_in_its_order)
{
    const struct transcript_mail mail = { .reason = STR("timeout") };
    struct transcript transcript;

    transcript_init(&transcript, NOTICE_POLICY);
    transcript_add_out(&transcript, STR("250-mail.example.com\n250 DSN"));
    transcript_add_in(&transcript, STR("MAIL\x01"));
    transcript_add_in(&transcript, STR(""));
    EXPECT_UINT(transcript.lines, 4);
    expect_body(&transcript, &mail,
                "Transcript of session follows.\n\n Out: 250-mail.example.com\n Out: 250 DSN\n In:  MAIL?\n In:  \n\n"
                "Session aborted, reason: timeout\n\nFor other details, see the local mail logfile\n");
    transcript_done(&transcript);
}

TEST(long_lines_are_folded_at_blanks)
{
    const struct transcript_mail mail = { .opening = STR("Unexpected response from x.") };
    struct transcript transcript;
    char word[200];

    transcript_init(&transcript, NOTICE_POLICY);
    memset(word, 'x', sizeof word);
    transcript_add_out(&transcript, str_make(word, sizeof word));
    transcript_add_in(&transcript, STR("550 5.7.1 one two three four five six seven eight nine ten eleven twelve "
                                       "thirteen fourteen fifteen"));
    expect_body(
        &transcript, &mail,
        "Unexpected response from x.\n\nTranscript of session follows.\n\n Out:\n"
        "     xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
        " In:  550 5.7.1 one two three four five six seven eight nine ten eleven twelve\n"
        "     thirteen fourteen fifteen\n\nFor other details, see the local mail logfile\n");
    transcript_done(&transcript);
}

TEST(of_a_long_session_the_end_is_kept)
{
    struct transcript transcript;

    transcript_init(&transcript, NOTICE_POLICY);
    for (size_t i = 0; i < 100000; i++) {
        transcript_add_in(&transcript, i == 99999 ? STR("the last one") : STR("RCPT TO:<somebody@example.com>"));
        EXPECT(transcript.text.len <= 33 * 1024);
    }
    EXPECT(transcript.is_cut);
    EXPECT(str_starts_with(strbuf_str(&transcript.text), STR("In:  RCPT")));
    EXPECT(str_ends_with(strbuf_str(&transcript.text), STR("In:  the last one\n")));
    transcript_done(&transcript);
}

TEST(only_wanted_errors_make_it_wanted)
{
    struct arena *arena = arena_create();
    struct strlist words = strlist_split(arena, STR("resource, Bounce, nosuch"), ", ");
    struct transcript transcript;

    EXPECT_UINT(notice_classes(&words), NOTICE_RESOURCE | NOTICE_BOUNCE | NOTICE_DOUBLE_BOUNCE);
    transcript_init(&transcript, notice_classes(&words));
    transcript.seen = NOTICE_POLICY;
    EXPECT_FALSE(transcript_is_wanted(&transcript));
    transcript.seen |= NOTICE_BOUNCE;
    EXPECT(transcript_is_wanted(&transcript));
    transcript_clear(&transcript);
    EXPECT_FALSE(transcript_is_wanted(&transcript));
    transcript_done(&transcript);
    arena_destroy(&arena);
}

TEST(a_transcript_that_nobody_wants_keeps_nothing)
{
    struct transcript transcript;

    transcript_init(&transcript, 0);
    transcript_add_in(&transcript, STR("EHLO x"));
    EXPECT_UINT(transcript.text.len, 0);
    transcript_done(&transcript);
}
