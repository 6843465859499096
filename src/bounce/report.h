/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_REPORT_H
#define BOUNCE_REPORT_H

#include "base/strbuf.h"
#include "bounce/settings.h"
#include "config/shared_settings.h"
#include "notice/template.h"
#include "protocol/bounce.h"

/*
 * report - the text of a notification: a multipart/report of RFC 3464 in the words and the order of Postfix. The
 * original follows what report_write_head wrote, and report_write_tail closes it.
 */
enum report_audience {
    REPORT_TO_SENDER,
    REPORT_TO_POSTMASTER, /* a copy, or what cannot be returned */
};

struct report {
    const struct bounce_request *request;
    const struct bounce_settings *settings;
    const struct shared_settings *shared;
    const struct template_set *templates; /* with expanded texts */
    enum report_audience audience;
    struct str recipient; /* of the notification, internal form */
    struct str queue_id;  /* of the notification */
    struct instant now;
    bool is_header_only; /* what is returned of the original */
};

enum template_class report_template(const struct report *report);

/* Whether this recipient wants a notification of that kind. */
bool report_is_wanted(const struct bounce_request *request, const struct bounce_recipient *recipient);

/* Header and all parts up to the original's content. */
bool report_write_head(const struct report *report, struct strbuf *out);
bool report_write_tail(const struct report *report, struct strbuf *out);

#endif
