/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_envelope.h"

#include "os/environment.h"
#include "unit.h"

static const char printed[] =
    "*** ENVELOPE RECORDS /q/deferred/0/0CBAFAF6331 ***\n"
    "message_size:             296             767               2               0             "
    "296               3\n"
    "message_arrival_time: Mon Nov 23 04:56:13 2026\n"
    "create_time: Mon Nov 23 04:56:13 2026\n"
    "named_attribute: rewrite_context=local\n"
    "named_attribute: envelope_id=abc+d\n"
    "named_attribute: ret_flags=2\n"
    "sender: s@example.com\n"
    "named_attribute: encoding=8bit\n"
    "named_attribute: client_address=192.0.2.1\n"
    "named_attribute: notify_flags=6\n"
    "named_attribute: dsn_orig_rcpt=rfc822;x@example.org\n"
    "original_recipient: x@example.org\n"
    "done_recipient: x@example.org\n"
    "original_recipient: \n"
    "recipient: a: b=c@example.org\n"
    "*** MESSAGE CONTENTS /q/deferred/0/0CBAFAF6331 ***\n"
    "*** HEADER EXTRACTED /q/deferred/0/0CBAFAF6331 ***\n"
    "*** MESSAGE FILE END /q/deferred/0/0CBAFAF6331 ***\n";

TEST(an_envelope_is_read_and_who_has_it_already_is_left_out)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    const struct envelope *envelope = &found.envelope;
    struct failure why;

    EXPECT(environment_set("TZ", "UTC", &why));
    EXPECT(import_envelope_parse(str_from_c(printed), arena, &found, &why));
    EXPECT_STR(envelope->sender, STR("s@example.com"));
    EXPECT_INT(envelope->arrival.us, (int64_t) 1795409773 * 1000000);
    EXPECT_UINT(envelope->flags, ENVELOPE_SMTPUTF8 | ENVELOPE_SMTPUTF8_HEADER | ENVELOPE_BODY_8BIT);
    EXPECT_STR(envelope->dsn_envid, STR("abc+d"));
    EXPECT_INT(envelope->dsn_return, DSN_RETURN_HEADERS);
    EXPECT_STR(envelope->client_address, STR("192.0.2.1"));
    EXPECT_INT(envelope->rewrite, ENVELOPE_REWRITE_LOCAL);
    EXPECT_UINT(envelope->recipient_count, 1);
    EXPECT_STR(envelope->recipients[0].address, STR("a: b=c@example.org"));
    EXPECT_UINT(envelope->recipients[0].dsn_notify, 0);
    EXPECT_STR(envelope->recipients[0].dsn_original, STR_EMPTY);
}

TEST(what_was_said_for_a_recipient_is_not_for_the_next_one)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    struct failure why;

    EXPECT(import_envelope_parse(STR("named_attribute: notify_flags=1\ncanceled_recipient: gone@example.org\n"
                                     "recipient: a@example.org\n*** MESSAGE FILE END x ***\n"),
                                 arena, &found, &why));
    EXPECT_UINT(found.envelope.recipient_count, 1);
    EXPECT_UINT(found.envelope.recipients[0].dsn_notify, 0);
}

TEST(a_redirection_has_one_recipient_and_no_filter)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    struct failure why;

    EXPECT(import_envelope_parse(STR("sender: a\nrecipient: b@example.com\nrecipient: c@example.com\n"
                                     "content_filter: x:y\nredirect_to: d@example.com\n*** MESSAGE FILE END x ***\n"),
                                 arena, &found, &why));
    EXPECT_UINT(found.envelope.recipient_count, 1);
    EXPECT_STR(found.envelope.recipients[0].address, STR("d@example.com"));
    EXPECT_STR(found.envelope.content_filter, STR_EMPTY);
}

TEST(a_submission_has_a_full_name_and_delimiters)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    struct failure why;

    EXPECT(import_envelope_parse(STR("sender_fullname: A B\nverp_delimiters: +=\n*** MESSAGE FILE END x ***\n"), arena,
                                 &found, &why));
    EXPECT_STR(found.full_name, STR("A B"));
    EXPECT_STR(envelope_attribute(&found.envelope, STR("verp_delimiters")), STR("+="));
}

TEST(half_an_envelope_is_refused)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    struct failure why;

    EXPECT_FALSE(import_envelope_parse(str_make(printed, 200), arena, &found, &why));
}

TEST(notes_tell_reasons_and_whoever_failed_is_to_be_told_of)
{
    static const char notes[] = "\n<a: b=c@example.org>: connect: refused\nrecipient=a: b=c@example.org\nstatus=4.4.1\n"
                                "action=delayed\nreason=connect: refused\n\n\n"
                                "<gone@example.org>: no such user\nrecipient=gone@example.org\noriginal_recipient=was@"
                                "example.org\nnotify_flags=4\nstatus=5.1.1\naction=failed\nreason=no such user";
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct import_envelope found;
    const struct envelope *envelope = &found.envelope;
    struct failure why;

    EXPECT(import_envelope_parse(str_from_c(printed), arena, &found, &why));
    import_envelope_note(str_from_c(notes), arena, &found.envelope);
    EXPECT_UINT(envelope->recipient_count, 2);
    EXPECT_STR(envelope->recipients[0].reason, STR("connect: refused"));
    EXPECT_INT(envelope->recipients[0].dsn.detail, 1);
    EXPECT_INT(envelope->recipients[0].status, RECIPIENT_PENDING);
    EXPECT_STR(envelope->recipients[1].address, STR("gone@example.org"));
    EXPECT_STR(envelope->recipients[1].original, STR("was@example.org"));
    EXPECT_INT(envelope->recipients[1].status, RECIPIENT_FAILED);
    EXPECT_UINT(envelope->recipients[1].dsn_notify, 4);
}
