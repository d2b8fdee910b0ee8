/* Runs a fuzz target over files and folders named on the command line, so that every build replays
 * the kept corpus. Knows no target. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 4 << 20, LONGEST_PATH = 4096 };

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "replay: cannot open %s\n", path);
        return -1;
    }
    uint8_t *bytes = malloc(LARGEST);
    if (!bytes) {
        fclose(file);
        return -1;
    }
    size_t count = fread(bytes, 1, LARGEST, file);
    fclose(file);
    /* A copy of exactly that size lets the sanitizer see a read past the end. */
    uint8_t *exact = malloc(count ? count : 1);
    if (exact) {
        memcpy(exact, bytes, count);
        fprintf(stderr, "replay: %s (%zu bytes)\n", path, count);
        LLVMFuzzerTestOneInput(exact, count);
    }
    free(exact);
    free(bytes);
    return exact ? 1 : -1;
}

static int replay_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) {
        return replay_file(path);
    }
    int total = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[LONGEST_PATH];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        int done = replay_file(name);
        if (done < 0) {
            total = -1;
            break;
        }
        total += done;
    }
    closedir(folder);
    return total;
}

int main(int argc, char **argv) {
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int done = replay_folder(argv[i]);
        if (done < 0) {
            return 1;
        }
        total += done;
    }
    if (total == 0) {
        fprintf(stderr, "replay: nothing to replay\n");
        return 1;
    }
    return 0;
}
