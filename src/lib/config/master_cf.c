/* SPDX-License-Identifier: Apache-2.0 */
#include "config/master_cf.h"

#include "config/drop_ins.h"
#include "config/lines.h"
#include "config/main_cf.h"
#include "os/file.h"

enum { FILE_MAXIMUM = 4 << 20, SERVICES_MAXIMUM = 10000 };

static const struct {
    const char *name;
    enum master_service_type type;
} types[] = {
    { "inet", MASTER_SERVICE_INET }, { "unix", MASTER_SERVICE_UNIX }, { "unix-dgram", MASTER_SERVICE_UNIX_DGRAM },
    { "fifo", MASTER_SERVICE_FIFO }, { "pass", MASTER_SERVICE_PASS },
};

/* One line on its way to a service. */
struct line_parser {
    struct master_cf *cf;
    struct arena *arena;
    struct failure *why;
    struct str file;
    const struct logical_line *line;
};

static bool refuse(struct line_parser *parser, const char *what, struct str value, const char *remedy)
{
    return failure_set(parser->why, FAILURE_CONFIGURATION, 0, "%.*s: line %u: %s \"%.*s\": %s", STR_ARG(parser->file),
                       parser->line->number, what, STR_ARG(str_part(value, 0, 100)), remedy);
}

static bool is_default(struct str field)
{
    return str_equal(field, STR("-"));
}

static bool parse_flag(struct line_parser *parser, struct str field, const char *what, int default_value, int *flag_out)
{
    if (is_default(field))
        *flag_out = default_value;
    else if (str_equal(field, STR("y")))
        *flag_out = 1;
    else if (str_equal(field, STR("n")))
        *flag_out = 0;
    else
        return refuse(parser, what, field, "write y, n or -");
    return true;
}

static bool parse_type(struct line_parser *parser, struct str field, enum master_service_type *type_out)
{
    size_t i;

    for (i = 0; i < ARRAY_COUNT(types); i++) {
        if (str_equal(field, str_from_c(types[i].name))) {
            *type_out = types[i].type;
            return true;
        }
    }
    return refuse(parser, "bad transport type", field, "write inet, unix, unix-dgram, fifo or pass");
}

static bool parse_wakeup(struct line_parser *parser, struct str field, struct master_service *service)
{
    struct str digits = field;
    uint64_t count;

    service->wakeup_seconds = 0;
    if (is_default(field))
        return true;
    if (str_ends_with(field, STR("?"))) {
        service->wakes_only_when_used = true;
        digits = str_part(field, 0, field.len - 1);
    }
    if (!str_to_uint64(digits, &count) || count > 1000000000)
        return refuse(parser, "bad wakeup time", field, "write seconds, with ? to wake it only once used, or -");
    service->wakeup_seconds = (int) count;
    return true;
}

static bool parse_limit(struct line_parser *parser, struct str field, struct master_service *service)
{
    uint64_t count;

    service->max_processes = MASTER_CF_DEFAULT;
    if (is_default(field))
        return true;
    if (!str_to_uint64(field, &count) || count > 1000000)
        return refuse(parser, "bad process limit", field, "write a number, 0 for no limit, or -");
    service->max_processes = (int) count;
    return true;
}

static bool parse_command(struct line_parser *parser, struct str field)
{
    if (str_contains_char(field, '/') || field.data[0] == '.' || field.data[0] == '-')
        return refuse(parser, "bad command name", field, "write the name of a program in $daemon_directory");
    return true;
}

/* "{ user = nobody }" goes to the program as "user = nobody". */
static struct str argument_value(struct str word)
{
    if (word.len >= 2 && word.data[0] == '{' && word.data[word.len - 1] == '}')
        return str_trim(str_part(word, 1, word.len - 2));
    return word;
}

static bool check_argument(struct line_parser *parser, struct str word)
{
    size_t opened = 0;
    size_t i;

    for (i = 0; i < word.len && word.data[0] == '{'; i++) {
        opened += word.data[i] == '{';
        opened -= word.data[i] == '}' && opened > 0;
    }
    if (opened > 0)
        return refuse(parser, "missing '}' in", word, "close it");
    return true;
}

/* Words are separated by white space alone: a comma is part of a word here. */
static struct strlist split_fields(struct str text, struct arena *arena)
{
    struct strlist words = { 0 };
    size_t depth = 0;
    size_t start = 0;
    size_t i;

    for (i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.data[i] : ' ';

        if (i == text.len || (depth == 0 && char_is_space(c))) {
            if (i > start)
                strlist_add(&words, arena, str_part(text, start, i - start));
            start = i + 1;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && depth > 0) {
            depth--;
        }
    }
    return words;
}

static bool parse_fields(struct line_parser *parser, struct strlist words, struct master_service *service)
{
    static const struct str no_fields = { "", 0 };
    int is_private;
    int is_unprivileged;
    size_t i;

    if (words.count < MASTER_FIELD_COUNT)
        return refuse(parser, "too few fields in", words.count > 0 ? words.items[0] : no_fields,
                      "write: service type private unpriv chroot wakeup maxproc command");
    for (i = 0; i < MASTER_FIELD_COUNT; i++)
        service->fields[i] = words.items[i];
    if (!parse_type(parser, service->fields[MASTER_FIELD_TYPE], &service->type) ||
        !parse_flag(parser, service->fields[MASTER_FIELD_PRIVATE], "bad private field", 1, &is_private) ||
        !parse_flag(parser, service->fields[MASTER_FIELD_UNPRIVILEGED], "bad unprivileged field", 1,
                    &is_unprivileged) ||
        !parse_flag(parser, service->fields[MASTER_FIELD_CHROOT], "bad chroot field", MASTER_CF_DEFAULT,
                    &service->chroot) ||
        !parse_wakeup(parser, service->fields[MASTER_FIELD_WAKEUP], service) ||
        !parse_limit(parser, service->fields[MASTER_FIELD_MAXPROC], service) ||
        !parse_command(parser, service->fields[MASTER_FIELD_COMMAND]))
        return false;
    service->is_private = is_private == 1;
    service->is_unprivileged = is_unprivileged == 1;
    if (service->type == MASTER_SERVICE_INET && is_private == 1 && !is_default(service->fields[MASTER_FIELD_PRIVATE]))
        return refuse(parser, "inet service cannot be private:", service->fields[MASTER_FIELD_NAME], "write n");
    if (service->type == MASTER_SERVICE_INET)
        service->is_private = false;
    for (; i < words.count; i++) {
        if (!check_argument(parser, words.items[i]))
            return false;
        strlist_add_view(&service->written_arguments, parser->arena, words.items[i]);
        strlist_add_view(&service->arguments, parser->arena, argument_value(words.items[i]));
    }
    return true;
}

static void warn_of_duplicate(struct line_parser *parser, const struct master_service *service)
{
    strlist_add_view(&parser->cf->warnings, parser->arena,
                     arena_printf(parser->arena,
                                  "%.*s: line %u: duplicate master.cf entry for service "
                                  "\"%.*s\" (%s) -- using the last entry",
                                  STR_ARG(service->file), service->line, STR_ARG(service->fields[MASTER_FIELD_NAME]),
                                  master_service_type_name(service->type)));
}

/* One place of the list holds one service: a later line of the same name and type takes the earlier one's. */
static bool keep(struct line_parser *parser, const struct master_service *service)
{
    struct master_cf *cf = parser->cf;
    size_t i;

    for (i = 0; i < cf->count; i++) {
        if (cf->services[i].type == service->type &&
            str_equal(cf->services[i].fields[MASTER_FIELD_NAME], service->fields[MASTER_FIELD_NAME])) {
            if (str_equal(cf->services[i].file, service->file))
                warn_of_duplicate(parser, service);
            cf->services[i] = *service;
            return true;
        }
    }
    if (cf->count == SERVICES_MAXIMUM)
        return refuse(parser, "too many services, at", service->fields[MASTER_FIELD_NAME], "10000 is the limit");
    if ((cf->count & (cf->count - 1)) == 0) {
        size_t capacity = cf->count == 0 ? 1 : cf->count * 2;
        struct master_service *services = arena_new_array(parser->arena, capacity, struct master_service);

        if (cf->count > 0)
            memcpy(services, cf->services, cf->count * sizeof *services);
        cf->services = services;
    }
    cf->services[cf->count++] = *service;
    return true;
}

static bool take_line(struct line_parser *parser)
{
    struct master_service service = { .file = parser->file, .line = parser->line->number };

    if (parser->line->is_without_start)
        return refuse(parser, "a line begins with white space but continues none:",
                      str_trim(str_part(parser->line->text, 0, 80)), "begin it at the left, or with #");
    if (str_contains_char(parser->line->text, '\0'))
        return refuse(parser, "a NUL byte in", STR("the file"), "this is no text file, or it was damaged");
    return parse_fields(parser, split_fields(parser->line->text, parser->arena), &service) && keep(parser, &service);
}

static bool take_text(struct master_cf *cf, struct str text, struct str file, struct arena *arena, struct failure *why)
{
    struct logical_lines lines = logical_lines_over(text);
    struct logical_line line;
    struct line_parser parser = { .cf = cf, .arena = arena, .why = why, .file = file, .line = &line };
    struct strbuf buffer;
    bool is_good = true;

    strbuf_init(&buffer, STRBUF_UNLIMITED);
    while (is_good && logical_lines_next(&lines, &buffer, &line))
        is_good = take_line(&parser);
    strbuf_done(&buffer);
    return is_good;
}

bool master_cf_parse(struct str text, struct str file, struct arena *arena, struct master_cf **cf_out,
                     struct failure *why)
{
    struct master_cf *cf = arena_new(arena, struct master_cf);

    cf->file = arena_str(arena, file);
    if (!take_text(cf, text, cf->file, arena, why))
        return false;
    *cf_out = cf;
    return true;
}

static bool take_file(struct master_cf *cf, struct str file, struct arena *arena, struct failure *why)
{
    struct strbuf text;
    bool is_good;

    strbuf_init(&text, FILE_MAXIMUM);
    is_good = file_load(file.data, &text, why);
    if (!is_good && why != NULL)
        why->kind = FAILURE_CONFIGURATION;
    is_good = is_good && take_text(cf, strbuf_str(&text), file, arena, why);
    strbuf_done(&text);
    return is_good;
}

bool master_cf_load(struct str config_directory, struct arena *arena, struct master_cf **cf_out, struct failure *why)
{
    struct master_cf *cf = arena_new(arena, struct master_cf);
    struct strlist files;
    size_t i;

    if (!drop_ins_list(config_directory, "master.cf", arena, &files, why))
        return false;
    cf->file = files.items[0];
    for (i = 0; i < files.count; i++)
        if (!take_file(cf, files.items[i], arena, why))
            return false;
    *cf_out = cf;
    return true;
}

const char *master_service_type_name(enum master_service_type type)
{
    size_t i;

    for (i = 0; i < ARRAY_COUNT(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "unknown";
}

/* "-o x", "-ox" and "-v" in any row; pipe's own "flags=" words end the walk. */
struct strlist master_service_overrides(const struct master_service *service, struct arena *arena)
{
    struct strlist overrides = { 0 };
    size_t i;

    for (i = 0; i < service->arguments.count; i++) {
        struct str word = service->arguments.items[i];

        if (str_equal(word, STR("-o"))) {
            if (++i < service->arguments.count)
                strlist_add(&overrides, arena, service->arguments.items[i]);
        } else if (str_starts_with(word, STR("-o"))) {
            strlist_add(&overrides, arena, str_from(word, 2));
        } else if (word.len < 2 || word.data[0] != '-') {
            break;
        }
    }
    return overrides;
}

struct strlist master_service_words(const struct master_service *service, struct arena *arena)
{
    struct strlist words = { 0 };
    size_t i = 0;

    while (i < service->arguments.count && str_starts_with(service->arguments.items[i], STR("-")))
        i += str_equal(service->arguments.items[i], STR("-o")) ? 2 : 1;
    for (; i < service->arguments.count; i++)
        strlist_add_view(&words, arena, service->arguments.items[i]);
    return words;
}

static bool is_meant(const struct master_service *service, struct str word)
{
    struct str type_name = str_from_c(master_service_type_name(service->type));
    struct str name, type;

    if (!str_cut(word, '/', &name, &type))
        return str_equal(word, type_name);
    return str_equal(name, service->fields[MASTER_FIELD_NAME]) && str_equal(type, type_name);
}

bool master_service_is_disabled(const struct master_service *service, const struct strlist *words)
{
    size_t i;

    for (i = 0; i < words->count; i++) {
        bool is_exception = str_starts_with(words->items[i], STR("!"));

        if (is_meant(service, str_from(words->items[i], is_exception ? 1 : 0)))
            return !is_exception;
    }
    return false;
}

const struct master_service *master_cf_find(const struct master_cf *cf, struct str name, enum master_service_type type)
{
    size_t i;

    for (i = 0; i < cf->count; i++)
        if (cf->services[i].type == type && str_equal(cf->services[i].fields[MASTER_FIELD_NAME], name))
            return &cf->services[i];
    return NULL;
}
