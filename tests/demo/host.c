// A plain C program: it knows a function's name and prototype, and nothing of Python.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *plugin = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc == 4 ? dlerror() : "usage: host PLUGIN START END");
        return 1;
    }
    int (*days_between)(const char *, const char *) = dlsym(plugin, "days_between");
    printf("from %s to %s: %d days\n", argv[2], argv[3], days_between(argv[2], argv[3]));
    return dlclose(plugin);
}
