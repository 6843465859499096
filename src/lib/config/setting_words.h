/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SETTING_WORDS_H
#define CONFIG_SETTING_WORDS_H

/*
 * setting_words - the words that lists of parameters may have, where the settings of several programs have the list
 * (SETTING_WORDS). A word that is not here is refused at the start, not overlooked: what it was meant to do, lock a
 * mailbox say, would not be done. Each ends with NULL.
 */
extern const char *const setting_words_locks[];      /* mailbox_delivery_lock, virtual_mailbox_lock */
extern const char *const setting_words_extensions[]; /* propagate_unmatched_extensions */
extern const char *const setting_words_notices[];    /* notify_classes */
/* canonical_classes, masquerade_classes and their kin; in the order of MAPPING_ENVELOPE_SENDER and so on */
extern const char *const setting_words_addresses[];
extern const char *const setting_words_overrides[];     /* receive_override_options */
extern const char *const setting_words_expansions[];    /* allow_mail_to_commands, allow_mail_to_files */
extern const char *const setting_words_deliveries[];    /* prepend_delivered_header */
extern const char *const setting_words_lookups[];       /* smtp_host_lookup */
extern const char *const setting_words_origins[];       /* smtputf8_autodetect_classes */
extern const char *const setting_words_internal_mail[]; /* internal_mail_filter_classes */
extern const char *const setting_words_resolver[];      /* smtp_dns_resolver_options */
extern const char *const setting_words_workarounds[];   /* smtp_pix_workarounds */

#endif
