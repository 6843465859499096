/* SPDX-License-Identifier: Apache-2.0 */
/* What a regular expression needs, judged by the matcher: the first line is a pattern, the rest a text. A text that
 * matches must not be passed over. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/check.h"
#include "table/literal_need.h"
#include "table/literal_prefix.h"

static void judge(pcre2_code *code, struct str pattern, struct str text)
{
    struct literal_need need = literal_need_of(pattern);
    struct literal_prefix prefix = literal_prefix_of(pattern, true);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    struct literal_pairs pairs;

    pcre2_set_match_limit(context, 10000);
    literal_pairs_of(&pairs, text);
    if (pcre2_match(code, (PCRE2_SPTR) text.data, text.len, 0, 0, match, context) >= 0) {
        CHECK(literal_need_is_met(&need, &pairs));
        CHECK(literal_prefix_fits(&prefix, true, text));
    }
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str pattern, text;
    pcre2_code *code;
    PCRE2_SIZE offset;
    int error;

    if (size > 2000)
        return 0;
    (void) str_cut(str_make((const char *) data, size), '\n', &pattern, &text);
    code = pcre2_compile((PCRE2_SPTR) pattern.data, pattern.len, PCRE2_CASELESS | PCRE2_DOTALL, &error, &offset, NULL);
    if (code == NULL)
        return 0;
    judge(code, pattern, text);
    pcre2_code_free(code);
    return 0;
}
