// Reads a plugin's exported data, first without calling anything, then through its pointers:
//
//   data PLUGIN
//
// With -DLINKED the same, but the symbols come from the linker: `descriptor` and `counter` may then
// be copies in the executable (R_X86_64_COPY).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

struct point {
    double x, y;
};

struct descriptor {
    int version;
    const char *name;
    int (*add)(int, int); // an export
    int (*negate)(int);   // a callback without a name
    int (*broken)(int);   // another one, which raises
    struct point *origin;
    const char **words;      // ends with NULL
    struct descriptor *next; // other exported data
    char text[8];
};

#ifdef LINKED
extern struct descriptor descriptor;
extern int counter;
int python_sees(void);
#endif

static int is_python(struct dl_phdr_info *info, size_t size, void *found) {
    (void)size;
    *(int *)found |= strstr(info->dlpi_name, "libpython") != NULL;
    return 0;
}

static const char *python(void) {
    int found = 0;
    dl_iterate_phdr(is_python, &found);
    return found ? "yes" : "no";
}

static void show(const struct descriptor *data, const char *title) {
    printf("%s: %d %s (%g, %g)", title, data->version, data->name, data->origin->x,
           data->origin->y);
    for (const char **word = data->words; *word != NULL; ++word) {
        printf(" %s", *word);
    }
    printf(" %.8s\n", data->text);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef LINKED
    (void)argc, (void)argv;
    int (*look_up)(void) = python_sees;
    struct descriptor *data = &descriptor;
    int *count = &counter;
#else
    void *plugin = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: data PLUGIN");
        return 2;
    }
    struct descriptor *data = dlsym(plugin, "descriptor");
    int *count = dlsym(plugin, "counter");
    int (*look_up)(void) = (int (*)(void))dlsym(plugin, "python_sees");
    printf("next is second: %d\n", data->next == dlsym(plugin, "second"));
    printf("next is back: %d\n", data->next->next == data);
#endif
    show(data, "first");
    show(data->next, "second");
    printf("counter: %d\n", *count);
    printf("python before a call: %s\n", python());
    data->version = 7; // the script must see it, and leave it
    *count = 100;
    printf("negate: %d\n", data->negate(5));
    printf("python after a call: %s\n", python());
    printf("version: %d\n", data->version);
    printf("add: %d\n", data->add(2, 3));
    printf("next negate: %d\n", data->next->negate(6));
    printf("broken: %d\n", data->broken(1));
    printf("python sees: %d\n", look_up());
    printf("counter after: %d\n", *count);
    printf("text after: %.8s\n", data->text);
    return 0;
}
