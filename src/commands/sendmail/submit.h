/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SENDMAIL_SUBMIT_H
#define SENDMAIL_SUBMIT_H

#include "config/shared_settings.h"
#include "sendmail/input.h"
#include "sendmail/options.h"

/*
 * submit - hands the message on standard input to postdrop.
 *
 * Returns true when the message is durable in maildrop/. The system need not run. *why says what to tell the user;
 * nothing was submitted then. *sender_out is the envelope sender as given, or the user's login name.
 */
struct submit_settings {
    struct str config_directory;
    struct str command_directory;
    enum input_line_endings line_endings;
};

MUST_USE bool submit_message(const struct sendmail_options *options, const struct submit_settings *settings,
                             struct arena *arena, struct str *sender_out, struct failure *why);

#endif
