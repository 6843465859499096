/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_SETTINGS_H
#define CLEANUP_SETTINGS_H

#include "config/settings.h"

/* settings - what main.cf says about the entry of mail into the queue. */
struct cleanup_settings {
    struct str canonical_maps;
    struct str sender_canonical_maps;
    struct str recipient_canonical_maps;
    struct strlist canonical_classes;
    struct strlist sender_canonical_classes;
    struct strlist recipient_canonical_classes;
    struct strlist masquerade_domains;
    struct str masquerade_exceptions;
    struct strlist masquerade_classes;
    struct str virtual_alias_maps;
    int virtual_alias_recursion_limit;
    int virtual_alias_expansion_limit;
    int virtual_alias_address_length_limit;
    struct strlist propagate_unmatched_extensions;
    struct str always_bcc;
    struct str sender_bcc_maps;
    struct str recipient_bcc_maps;
    int duplicate_filter_limit;
    bool enable_original_recipient;
    int hopcount_limit;
    int header_address_token_limit;
    struct str full_name_encoding_charset;
    bool detect_8bit_encoding_header;
    struct strlist message_drop_headers;
    struct str header_checks;
    struct str mime_header_checks;
    struct str nested_header_checks;
    struct str milter_header_checks;
    struct str body_checks;
    int64_t body_checks_size_limit;
    bool disable_mime_input_processing;
    bool force_mime_input_conversion;
    bool strict_7bit_headers;
    bool strict_8bitmime;
    bool strict_8bitmime_body;
    bool strict_mime_encoding_domain;
    struct str message_reject_characters;
    struct str message_strip_characters;
    bool replaces_stray_cr; /* cleanup_replace_stray_cr_lf */
    bool always_add_missing_headers;
    int delay_logging_resolution_limit;
    struct str undisclosed_recipients_header;
    struct str remote_header_rewrite_domain;
    int64_t spool_inline_limit;
    int64_t spool_segment_size;
    int64_t spool_journal_limit;
    int64_t spool_journal_reserve;
    struct duration spool_segment_age;
};

extern const struct settings_table cleanup_settings_table;

#endif
