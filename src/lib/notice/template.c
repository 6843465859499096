/* SPDX-License-Identifier: Apache-2.0 */
#include "notice/template.h"

#include "base/cursor.h"
#include "notice/template_file.h"
#include "os/file.h"

enum { FILE_MAXIMUM = 1 << 20 };

#define GREETING "This is the mail system at host $myhostname.\n\n"
#define ASSISTANCE                                                                                                     \
    "For further assistance, please send mail to postmaster.\n\n"                                                      \
    "If you do so, please include this problem report. You can\n"                                                      \
    "delete your own text from the attached returned message.\n\n"
#define SIGNATURE "                   The mail system\n"

static const char failure_text[] =
    GREETING "I'm sorry to have to inform you that your message could not\n"
             "be delivered to one or more recipients. It's attached below.\n\n" ASSISTANCE SIGNATURE;

static const char delay_text[] =
    GREETING "####################################################################\n"
             "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n"
             "####################################################################\n\n"
             "Your message could not be delivered for more than $delay_warning_time_hours hour(s).\n"
             "It will be retried until it is $maximal_queue_lifetime_days day(s) old.\n\n" ASSISTANCE SIGNATURE;

static const char success_text[] = GREETING "Your message was successfully delivered to the destination(s)\n"
                                            "listed below. If the message was delivered to mailbox you will\n"
                                            "receive no further notifications. Otherwise you may still receive\n"
                                            "notifications of mail delivery errors from other systems.\n\n" SIGNATURE;

static const char verify_text[] = GREETING "Enclosed is the mail delivery report that you requested.\n\n" SIGNATURE;

static const struct {
    const char *name;
    const char *subject;
    const char *postmaster_subject;
    const char *text;
} classes[TEMPLATE_CLASSES] = {
    [TEMPLATE_FAILURE] = { "failure", "Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail",
                           failure_text },
    [TEMPLATE_DELAY] = { "delay", "Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail",
                         delay_text },
    [TEMPLATE_SUCCESS] = { "success", "Successful Mail Delivery Report", "", success_text },
    [TEMPLATE_VERIFY] = { "verify", "Mail Delivery Status Report", "", verify_text },
};

const char *template_class_name(enum template_class class)
{
    return classes[class].name;
}

void template_set_init(struct template_set *set)
{
    *set = (struct template_set){ .file = STR("[built-in]") };
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++)
        set->items[i] = (struct notice_template){
            .charset = STR("us-ascii"),
            .from = STR("Mail Delivery System <MAILER-DAEMON>"),
            .subject = str_from_c(classes[i].subject),
            .postmaster_subject = str_from_c(classes[i].postmaster_subject),
            .text = str_from_c(classes[i].text),
        };
}

void template_set_use_from(struct template_set *set, bool is_obsolete)
{
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++)
        set->items[i].from =
            is_obsolete ? STR("MAILER-DAEMON (Mail Delivery System)") : STR("Mail Delivery System <MAILER-DAEMON>");
}

/* ---- one template: header and text ---- */

struct reading {
    struct str file;
    struct arena *arena;
    struct strlist *warnings;
    const char *class;
};

PRINTF_LIKE(2, 3) static bool leave_out(const struct reading *reading, const char *format, ...)
{
    struct strbuf text;
    va_list args;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_printf(&text, "%.*s: ", STR_ARG(reading->file));
    va_start(args, format);
    strbuf_vprintf(&text, format, args);
    va_end(args);
    strbuf_printf(&text, " in %s template -- ignoring this template", reading->class);
    strlist_add(reading->warnings, reading->arena, strbuf_str(&text));
    strbuf_done(&text);
    return false;
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char) text.data[i] >= 128 || text.data[i] == '\0')
            return false;
    return true;
}

static bool is_blank(struct str line)
{
    return str_trim(line).len == 0;
}

/* "Label: value", the label without blanks inside. */
static bool split_header(struct str line, struct str *label_out, struct str *value_out)
{
    struct str label;
    struct str value;

    if (!str_cut(line, ':', &label, &value))
        return false;
    label = str_trim_right(label);
    for (size_t i = 0; i < label.len; i++)
        if (label.data[i] <= ' ' || label.data[i] == 127)
            return false;
    *label_out = label;
    *value_out = str_trim_left(value);
    return label.len > 0;
}

static bool take_header(const struct reading *reading, struct notice_template *template, struct str label,
                        struct str value)
{
    const struct {
        const char *name;
        struct str *place;
    } known[] = {
        { "Charset", &template->charset },
        { "From", &template->from },
        { "Subject", &template->subject },
        { "Postmaster-Subject", &template->postmaster_subject },
    };

    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (!str_equal_nocase(label, str_from_c(known[i].name)))
            continue;
        if (str_is_empty(*known[i].place))
            return leave_out(reading, "inapplicable \"%s\" header label", known[i].name);
        if (is_blank(value))
            return leave_out(reading, "empty \"%s\" header value", known[i].name);
        if (!is_ascii(value))
            return leave_out(reading, "non-ASCII \"%s\" header value", known[i].name);
        if (str_ends_with(value, STR("\r")))
            value = str_part(value, 0, value.len - 1);
        *known[i].place = value;
        return true;
    }
    return leave_out(reading, "unknown \"%.*s\" header label", STR_ARG(str_part(label, 0, 100)));
}

/* Leaves in *rest what follows the header. */
static bool take_headers(const struct reading *reading, struct notice_template *template, struct str *rest)
{
    struct str line;
    struct str next;
    struct str label;
    struct str value;

    while (rest->len > 0 && rest->data[0] == '\n')
        *rest = str_from(*rest, 1);
    while (rest->len > 0) {
        str_cut(*rest, '\n', &line, &next);
        if (is_blank(line) || !split_header(line, &label, &value))
            break;
        if (!take_header(reading, template, label, value))
            return false;
        *rest = next;
    }
    while (str_cut(*rest, '\n', &line, &next) && is_blank(line))
        *rest = next;
    return true;
}

static void warn_of_charset(const struct reading *reading)
{
    strlist_add_view(reading->warnings, reading->arena,
                     arena_printf(reading->arena, "%.*s: 8-bit message text in %s template", STR_ARG(reading->file),
                                  reading->class));
    strlist_add_view(reading->warnings, reading->arena, STR("please specify a charset value other than us-ascii"));
    strlist_add_view(reading->warnings, reading->arena, STR("-- ignoring this template for now"));
}

static void take_template(const struct reading *reading, struct notice_template *place, struct str bytes)
{
    struct notice_template template = *place;

    if (!take_headers(reading, &template, &bytes))
        return;
    if (is_blank(bytes)) {
        leave_out(reading, "missing message text");
        return;
    }
    if (!is_ascii(bytes) && str_equal_nocase(template.charset, STR("us-ascii"))) {
        warn_of_charset(reading);
        return;
    }
    template.text = bytes.data[bytes.len - 1] == '\n' ? bytes : arena_printf(reading->arena, "%.*s\n", STR_ARG(bytes));
    *place = template;
}

/* ---- the file ---- */

static bool find_class(struct str name, enum template_class *class_out)
{
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
        struct str class = str_from_c(classes[i].name);

        if (str_starts_with(name, class) && str_equal(str_from(name, class.len), STR("_template"))) {
            *class_out = (enum template_class) i;
            return true;
        }
    }
    return false;
}

bool template_set_parse(struct template_set *set, struct str bytes, struct str file, struct arena *arena,
                        struct strlist *warnings, struct failure *why)
{
    struct template_file source = template_file_over(bytes, file, arena, warnings);
    struct str found[TEMPLATE_CLASSES] = { { NULL, 0 } };
    struct template_file_entry entry;

    set->file = arena_str(arena, file);
    while (template_file_next(&source, &entry)) {
        enum template_class class;

        if (find_class(entry.name, &class))
            found[class] = entry.value;
        else
            strlist_add_view(warnings, arena,
                             arena_printf(arena, "%.*s, line %u: unknown template name: %.*s -- ignoring this template",
                                          STR_ARG(file), entry.line, STR_ARG(str_part(entry.name, 0, 100))));
    }
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
        const struct reading reading = { set->file, arena, warnings, classes[i].name };

        if (found[i].data != NULL)
            take_template(&reading, &set->items[i], found[i]);
    }
    if (source.problem != NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%s", source.problem);
    return true;
}

bool template_set_load(struct template_set *set, const char *path, struct arena *arena, struct strlist *warnings,
                       struct failure *why)
{
    struct strbuf bytes;
    bool is_good;

    strbuf_init(&bytes, FILE_MAXIMUM);
    is_good = file_load(path, &bytes, why) &&
              template_set_parse(set, arena_str(arena, strbuf_str(&bytes)), str_from_c(path), arena, warnings, why);
    strbuf_done(&bytes);
    return is_good;
}

/* ---- for people ---- */

void template_set_print(const struct template_set *set, struct strbuf *out)
{
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
        const struct notice_template *template = &set->items[i];

        strbuf_printf(out, "%s%s_template = <<EOF\nCharset: %.*s\nFrom: %.*s\nSubject: %.*s\n", i > 0 ? "\n" : "",
                      classes[i].name, STR_ARG(template->charset), STR_ARG(template->from), STR_ARG(template->subject));
        if (template->postmaster_subject.len > 0)
            strbuf_printf(out, "Postmaster-Subject: %.*s\n", STR_ARG(template->postmaster_subject));
        strbuf_append_char(out, '\n');
        strbuf_append(out, template->text);
        strbuf_append(out, STR("EOF\n"));
    }
}

bool template_set_print_expanded(const struct template_set *set, const struct main_cf *cf, struct arena *arena,
                                 struct strbuf *out, struct strlist *warnings, struct failure *why)
{
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++) {
        struct str text;

        if (!template_set_expand(set, (enum template_class) i, cf, arena, &text, warnings, why))
            return false;
        strbuf_printf(out, "%sexpanded_%s_text = <<EOF\n", i > 0 ? "\n" : "", classes[i].name);
        strbuf_append(out, text);
        strbuf_append(out, STR("EOF\n"));
    }
    return true;
}
