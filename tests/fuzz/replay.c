/* SPDX-License-Identifier: Apache-2.0 */
/* replay - runs a fuzz target over each file of a folder; a folder that is not there is an empty corpus. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    enum { LARGEST = 16 << 20 };
    FILE *file = fopen(path, "rb");
    uint8_t *data = calloc(1, LARGEST);
    size_t size;

    if (file == NULL || data == NULL) {
        perror(path);
        return 1;
    }
    size = fread(data, 1, LARGEST, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    int failed = 0;
    int count = 0;

    LLVMFuzzerTestOneInput((const uint8_t *) "", 0);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        failed += replay_file(path);
        count++;
    }
    if (folder != NULL)
        closedir(folder);
    printf("replayed %d inputs\n", count);
    return failed != 0;
}
