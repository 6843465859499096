/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/envelope_commands.h"

#include "mail/domain.h"
#include "mail/dsn.h"
#include "mail/quote.h"
#include "mail/xtext.h"
#include "protocol/cleanup.h"
#include "smtp/extensions.h"

#include <inttypes.h>

/* An address that was stored with a control byte in it must not become two commands. */
static void append_neutered(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        strbuf_append_char(out, c < ' ' || c == 127 ? '?' : (char) c);
    }
}

static void append_path(struct strbuf *out, struct str address, bool quotes)
{
    struct strbuf external;

    strbuf_init(&external, STRBUF_UNLIMITED);
    if (quotes)
        quote_address(&external, address);
    else
        strbuf_append(&external, address);
    append_neutered(out, strbuf_str(&external));
    strbuf_done(&external);
}

static bool has(const struct smtp_extensions *extensions, enum smtp_extension extension)
{
    return (extensions->offered & extension) != 0;
}

static void append_encoding(struct strbuf *out, const struct deliver_request *request)
{
    if (request->encoding == BODY_ENCODING_8BIT)
        strbuf_append(out, STR(" BODY=8BITMIME"));
    else if (request->encoding == BODY_ENCODING_7BIT)
        strbuf_append(out, STR(" BODY=7BIT"));
}

void envelope_append_mail(struct strbuf *out, const struct deliver_request *request,
                          const struct smtp_extensions *extensions, bool quotes)
{
    strbuf_append(out, STR("MAIL FROM:<"));
    append_path(out, request->sender, quotes);
    strbuf_append_char(out, '>');
    if (has(extensions, SMTP_EXTENSION_SIZE))
        strbuf_printf(out, " SIZE=%" PRIu64, request->size + request->lines);
    if (has(extensions, SMTP_EXTENSION_8BITMIME))
        append_encoding(out, request);
    if (has(extensions, SMTP_EXTENSION_SMTPUTF8) && (request->flags & DELIVER_FLAG_SMTPUTF8) != 0)
        strbuf_append(out, STR(" SMTPUTF8"));
    if (has(extensions, SMTP_EXTENSION_DSN) && request->envid.len > 0) {
        strbuf_append(out, STR(" ENVID="));
        xtext_encode(out, request->envid, "");
    }
    if (has(extensions, SMTP_EXTENSION_DSN) && request->dsn_return != DSN_RETURN_UNSET) {
        strbuf_append(out, STR(" RET="));
        strbuf_append(out, dsn_return_name((enum dsn_return) request->dsn_return));
    }
    if (extensions->sends_dummy_auth)
        strbuf_append(out, STR(" AUTH=<>"));
    strbuf_append(out, STR("\r\n"));
}

/* The address before rewriting, when the sender named none (RFC 3461 section 4.2 leaves that to us). */
static void append_original(struct strbuf *out, const struct deliver_recipient *recipient)
{
    struct str type, address;
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    if (str_cut(recipient->dsn_orcpt, ';', &type, &address)) {
        dsn_orcpt_append(&text, type, address);
    } else if (recipient->original.len > 0) {
        struct strbuf quoted;

        strbuf_init(&quoted, STRBUF_UNLIMITED);
        quote_address(&quoted, recipient->original);
        dsn_orcpt_append(&text, domain_is_ascii(recipient->original) ? STR("rfc822") : STR("utf-8"),
                         strbuf_str(&quoted));
        strbuf_done(&quoted);
    }
    if (text.len > 0) {
        strbuf_append(out, STR(" ORCPT="));
        append_neutered(out, strbuf_str(&text));
    }
    strbuf_done(&text);
}

void envelope_append_rcpt(struct strbuf *out, const struct deliver_recipient *recipient,
                          const struct smtp_extensions *extensions, bool quotes)
{
    strbuf_append(out, STR("RCPT TO:<"));
    append_path(out, recipient->address, quotes);
    strbuf_append_char(out, '>');
    if (has(extensions, SMTP_EXTENSION_DSN)) {
        append_original(out, recipient);
        if (recipient->dsn_notify != 0) {
            strbuf_append(out, STR(" NOTIFY="));
            dsn_notify_append(out, (unsigned) recipient->dsn_notify);
        }
    }
    strbuf_append(out, STR("\r\n"));
}

bool envelope_needs_smtputf8(const struct deliver_request *request)
{
    const struct deliver_recipient *recipients = request->recipients.items;

    if (!domain_is_ascii(request->sender))
        return true;
    for (size_t i = 0; i < request->recipients.count; i++) {
        if (!domain_is_ascii(recipients[i].address))
            return true;
    }
    return false;
}
