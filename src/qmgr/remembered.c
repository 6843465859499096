/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/remembered.h"

/* What stands behind mark, which follows the host's name and address. */
static bool take_words(struct str reason, const char *mark, struct str *words_out)
{
    size_t place = str_find(reason, str_from_c(mark));

    if (place == STR_NOT_FOUND)
        return false;
    *words_out = str_from(reason, place + strlen(mark));
    return true;
}

/* "450 later (in reply to RCPT TO command)" is the server's up to the bracket, the last of its kind. */
static struct str without_occasion(struct str words)
{
    size_t length = words.len;

    for (size_t from = 0; from < words.len;) {
        size_t place = str_find(str_from(words, from), STR(" (in reply to "));

        if (place == STR_NOT_FOUND)
            break;
        length = from + place;
        from = length + 1;
    }
    return str_part(words, 0, length);
}

static bool take_host(struct bounce_recipient *out)
{
    size_t bracket = str_find_char(out->reason, '[');
    struct str words;

    if (!str_starts_with(out->reason, STR("host ")) || bracket == STR_NOT_FOUND)
        return false;
    if (take_words(out->reason, " said: ", &words))
        words = without_occasion(words);
    else if (!take_words(out->reason, " refused to talk to me: ", &words))
        return false;
    out->remote_mta = str_part(out->reason, strlen("host "), bracket - strlen("host "));
    out->diagnostic = words;
    return true;
}

void remembered_fill(struct bounce_recipient *out)
{
    struct str output;

    if (take_host(out) || !take_words(out->reason, ". Command output: ", &output))
        return;
    out->diagnostic_type = STR("x-unix");
    out->diagnostic = str_trim_right(output);
}
