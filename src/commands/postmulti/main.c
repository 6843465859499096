/* SPDX-License-Identifier: Apache-2.0 */
/* postmulti - looks after several mail systems on one machine: makes, lists, starts and removes them. */

#include "config/directory.h"
#include "daemon/command_log.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/privilege.h"
#include "os/signals.h"
#include "postmulti/each.h"
#include "postmulti/life.h"

#include <stdlib.h>
#include <unistd.h>

struct words {
    struct str config_directory; /* -c: of the primary instance */
    int mode;                    /* l, p, x or e; 0: not said */
    const char *action;          /* of -e */
    struct choice choice;
    struct str new_name, new_group;
    bool is_first; /* -a */
};

static int usage(void)
{
    log_fatal("usage: postmulti -l [-aRv] [-g group] [-i name] | postmulti -p [-av] [-g group] [-i name] command... | "
              "postmulti -x [-aRv] [-g group] [-i name] command... | postmulti -e action [-av] [-g group] [-i name] "
              "[-G group] [-I name] [param=value ...]");
    return EXIT_FAILURE;
}

static bool set_mode(struct words *words, int letter)
{
    if (words->mode != 0)
        return false;
    words->mode = letter;
    return true;
}

static bool take_options(int argc, char **argv, struct words *words)
{
    int letter;

    opterr = 0;
    while ((letter = getopt(argc, argv, "+ac:e:g:i:lpxG:I:Rv")) != -1) {
        switch (letter) {
        case 'e':
            words->action = optarg;
            /* fall through */
        case 'l':
        case 'p':
        case 'x':
            if (!set_mode(words, letter))
                return false;
            break;
        case 'a':
            words->is_first = true;
            break;
        case 'c':
            words->config_directory = str_from_c(optarg);
            break;
        case 'g':
            words->choice.group = str_from_c(optarg);
            break;
        case 'i':
            words->choice.name = str_from_c(optarg);
            break;
        case 'G':
            words->new_group = str_from_c(optarg);
            break;
        case 'I':
            words->new_name = str_from_c(optarg);
            break;
        case 'R':
            words->choice.is_reversed = true;
            break;
        case 'v':
            words->choice.verbose++;
            break;
        default:
            return false;
        }
    }
    return words->mode == 'e' ||
           (words->mode != 0 && words->new_group.len == 0 && words->new_name.len == 0 &&
            (words->mode == 'l') == (argc == optind) && !(words->mode == 'p' && words->choice.is_reversed));
}

static int change(struct family *family, const struct words *words, int count, char **assignments)
{
    struct life_request request = { .family = family,
                                    .before_group = words->choice.group,
                                    .before_name = words->choice.name,
                                    .is_first = words->is_first,
                                    .name = words->new_name,
                                    .group = words->new_group };
    const struct life_kind *kind = life_find(words->action);
    struct failure why;

    if (kind == NULL)
        return usage();
    if (words->choice.name.len > 0)
        request.member = family_find(family, words->choice.name);
    for (int i = 0; i < count; i++)
        strlist_add(&request.assignments, family->arena, str_from_c(assignments[i]));
    if (words->choice.name.len > 0 && request.member == NULL)
        failure_set(&why, FAILURE_CONFIGURATION, 0, "no instance is named %.*s: \"postmulti -l\" lists them",
                    STR_ARG(words->choice.name));
    else if (life_run(kind, &request, &why))
        return EXIT_SUCCESS;
    log_fatal("%s", why.text);
    return EXIT_FAILURE;
}

static int act(struct family *family, const struct words *words, int count, char **rest)
{
    switch (words->mode) {
    case 'l':
        return each_list(family, &words->choice);
    case 'p':
        return each_control(family, &words->choice, rest);
    case 'x':
        return each_run(family, &words->choice, rest);
    default:
        return change(family, words, count, rest);
    }
}

int main(int argc, char **argv)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct words words = { .mode = 0 };
    struct family family;
    struct str directory;
    struct failure why;
    int status = EXIT_FAILURE;

    signals_init();
    if (!fd_guard_standard(&why))
        return EXIT_FAILURE;
    if (!take_options(argc, argv, &words))
        return usage();
    if (!config_directory_find(words.config_directory, arena, &directory, &why) ||
        !family_load(&family, arena, directory, &why) ||
        !command_log_open(family.members[0].shared, "postmulti", 0, arena, &why))
        log_fatal("%s", why.text);
    else
        status = act(&family, &words, argc - optind, argv + optind);
    log_close();
    return status;
}
