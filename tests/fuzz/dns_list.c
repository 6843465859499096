/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS lists, a line each: a filter, a template of a reply ("": the usual one), what the list's TXT records say, what is
 * listed, the client's words (name, HELO, sender). The answers that a filter lets through are within what it says;
 * a reply is a refusal on one line, and strangers' words bring only characters of smtpd_expansion_filter into it.
 */

#include "dns/dnsbl_filter.h"
#include "judged_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_line(struct str *rest)
{
    struct str line;

    if (!str_cut(*rest, '\n', &line, rest))
        *rest = STR_EMPTY;
    return line;
}

static bool lets_through(const struct dnsbl_filter *filter, unsigned place, unsigned value)
{
    return (filter->allowed[place][value / 8] >> value % 8 & 1) != 0;
}

static void look_at_filter(struct str text)
{
    struct dnsbl_filter filter;
    struct failure why = { 0 };
    unsigned lowest[4], highest[4];

    if (!dnsbl_filter_parse(text, &filter, &why)) {
        CHECK(why.kind == FAILURE_CONFIGURATION && why.text[0] != '\0');
        return;
    }
    for (unsigned place = 0; place < 4; place++) {
        struct ip_address address = { .family = IP_V4, .bytes = { 0 } };

        for (lowest[place] = 0; lowest[place] < 256 && !lets_through(&filter, place, lowest[place]);)
            lowest[place]++;
        CHECK(lowest[place] < 256);
        for (highest[place] = 255; !lets_through(&filter, place, highest[place]);)
            highest[place]--;
        for (unsigned i = 0; i <= place; i++)
            address.bytes[i] = (uint8_t) lowest[i];
        CHECK(place < 3 || dnsbl_filter_has(&filter, &address));
        address.family = IP_V6;
        CHECK(!dnsbl_filter_has(&filter, &address));
    }
    /* One without a set lets one answer through. */
    for (unsigned place = 0; place < 4 && !str_contains_char(text, '['); place++)
        CHECK(lowest[place] == highest[place]);
}

static void check_characters(const struct smtpd *smtpd, struct str reply)
{
    for (size_t i = 0; i < reply.len; i++)
        CHECK(str_contains_char(smtpd->expansion_filter, reply.data[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtpd *smtpd = judged_smtpd();
    const struct smtpd_settings *usual = smtpd->settings;
    struct smtpd_settings settings = *usual;
    struct str rest = str_make((const char *) data, size), template;
    struct judged_session judged;
    struct dnsbl_finding finding = { .class = "Client host", .domain = STR("zen.test") };
    struct str reply;

    look_at_filter(next_line(&rest));
    template = next_line(&rest);
    if (template.len > 0)
        settings.default_rbl_reply = template;
    judged_session_begin(&judged, TOPIC_RECIPIENT);
    finding.reason = next_line(&rest);
    finding.what = next_line(&rest);
    judged.session.peer.name = judged.session.peer.reverse_name = next_line(&rest);
    judged.session.helo_name = next_line(&rest);
    judged.session.transaction.sender = next_line(&rest);
    smtpd->settings = &settings;
    reply = dnsbl_reply_make(&judged.check, &finding);
    smtpd->settings = usual;
    check_refusal(reply);
    if (template.len == 0)
        check_characters(smtpd, reply);
    judged_session_end(&judged);
    return 0;
}
