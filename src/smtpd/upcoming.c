/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/upcoming.h"

#include "mail/smtp_path.h"

static bool take_recipient(struct str *input, unsigned path_flags, struct arena *arena, struct str *address_out)
{
    static const struct str verb = { "RCPT TO:", 8 };
    struct smtp_path path;
    struct failure why;
    struct str line, argument;

    if (!str_contains_char(*input, '\n') || !str_starts_with_nocase(*input, verb))
        return false;
    str_cut(*input, '\n', &line, input);
    argument = str_trim(str_from(line, verb.len));
    if (str_contains_char(argument, '\0') || !smtp_path_take(&argument, path_flags, arena, &path, &why))
        return false;
    *address_out = path.address;
    return true;
}

struct strlist upcoming_recipients(struct str input, unsigned path_flags, struct arena *arena)
{
    struct strlist addresses = { 0 };
    struct str address;

    while (addresses.count < UPCOMING_MAXIMUM && take_recipient(&input, path_flags, arena, &address))
        strlist_add(&addresses, arena, address);
    return addresses;
}
