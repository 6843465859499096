/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/show.h"

#include "base/json.h"
#include "config/computed.h"
#include "config/directory.h"

enum { LINE_LIMIT = 80, INDENT = 4 };

/* Words are set apart by one space each; folded, a line is not longer than it must be. */
static void put_words(const struct show *show, struct str value, size_t column)
{
    struct str rest = value;
    struct str word;
    bool is_first = column == 0;

    while (str_next_word(&rest, " \t\r\n", &word)) {
        if (show->is_folded && column > INDENT && column + 1 + word.len > LINE_LIMIT) {
            fputs("\n    ", show->out);
            column = INDENT;
        } else if (!is_first) {
            fputc(' ', show->out);
            column++;
        }
        fwrite(word.data, 1, word.len, show->out);
        column += word.len;
        is_first = false;
    }
    fputc('\n', show->out);
}

static void put_json_string(FILE *out, struct str text)
{
    struct strbuf json;

    strbuf_init(&json, STRBUF_UNLIMITED);
    if (json_append_string(&json, text))
        fwrite(strbuf_c(&json), 1, json.len, out);
    strbuf_done(&json);
}

void show_json(FILE *out, struct str name, struct str value)
{
    fputc('{', out);
    put_json_string(out, name);
    fputs(": ", out);
    put_json_string(out, value);
    fputs("}\n", out);
}

/* White space of any length is one space in it, as in a line. */
static void put_json(const struct show *show, struct str name, struct str value)
{
    struct str rest = value;
    struct strbuf text;
    struct str word;

    strbuf_init(&text, STRBUF_UNLIMITED);
    while (str_next_word(&rest, " \t\r\n", &word)) {
        if (text.len > 0)
            strbuf_append_char(&text, ' ');
        strbuf_append(&text, word);
    }
    show_json(show->out, name, strbuf_str(&text));
    strbuf_done(&text);
}

void show_value(const struct show *show, struct str name, struct str value)
{
    if (show->is_json) {
        put_json(show, name, value);
        return;
    }
    if (show->hides_values) {
        fprintf(show->out, "%.*s\n", STR_ARG(name));
        return;
    }
    if (show->hides_names) {
        put_words(show, value, 0);
        return;
    }
    fprintf(show->out, "%.*s =", STR_ARG(name));
    put_words(show, value, name.len + 2);
}

static bool is_set(const struct show *show, struct str name)
{
    if (str_equal(name, STR("config_directory")) && show->has_directory_option)
        return true;
    return !computed_is_read_only(name) && main_cf_find(show->cf, name) != NULL;
}

static bool default_of(const struct show *show, struct str name, struct str *value_out)
{
    if (str_equal(name, STR("config_directory"))) {
        *value_out = STR(MERPATI_CONFIG_DIRECTORY);
        return true;
    }
    return main_cf_default(show->cf, name, value_out);
}

bool show_parameter(const struct show *show, const struct parameter *parameter, struct failure *why)
{
    struct str value = STR_EMPTY;

    if (show->only_set && !is_set(show, parameter->name))
        return true;
    if (show->wants_defaults ? !default_of(show, parameter->name, &value)
                             : !main_cf_raw(show->cf, parameter->name, &value))
        value = STR_EMPTY;
    if (show->expands && !main_cf_expand(show->cf, value, show->arena, &value, why))
        return failure_prefix(why, "%.*s", STR_ARG(parameter->name));
    show_value(show, parameter->name, value);
    return true;
}

bool show_all(const struct show *show, const struct parameters *parameters, struct failure *why)
{
    size_t i;

    for (i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->items[i];

        if ((parameter->kind & show->classes) == 0 || (show->wants_defaults && parameter->kind == PARAMETER_USER))
            continue;
        if (!show_parameter(show, parameter, why))
            return false;
    }
    return true;
}
