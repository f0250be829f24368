// A host that calls a plugin of epy and a library that runs Python itself, in the order in which it
// is told to: order PLUGIN LIBRARY STEP... with the steps `plugin` (its export add; `plugin:f`: its
// export f), `thread` (the same on a thread of its own that ends), `open` (the library), and the
// library's functions. Without a library (`-`) they are those of the program, and were there
// before. Prints what each step gives.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *plugin, *library;

static void *look_up(void *handle, const char *name) {
    void *found = dlsym(handle, name);
    if (found == NULL) {
        printf("%s\n", dlerror());
        exit(1);
    }
    return found;
}

static void *call_plugin(void *unused) {
    (void)unused;
    printf("plugin %d\n", ((int (*)(int, int))look_up(plugin, "add"))(2, 3));
    return NULL;
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IONBF, 0);
    plugin = dlopen(arguments[1], RTLD_NOW);
    library = dlopen(NULL, RTLD_NOW);
    for (int i = 3; i < count; i++) {
        const char *step = arguments[i];
        if (strcmp(step, "plugin") == 0) {
            call_plugin(NULL);
        } else if (strncmp(step, "plugin:", 7) == 0) {
            printf("%s %d\n", step, ((int (*)(void))look_up(plugin, step + 7))());
        } else if (strcmp(step, "thread") == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, call_plugin, NULL);
            pthread_join(thread, NULL);
        } else if (strcmp(step, "open") == 0) {
            library = dlopen(arguments[2], RTLD_NOW | RTLD_GLOBAL);
            if (library == NULL) {
                printf("%s\n", dlerror());
                return 1;
            }
        } else {
            printf("%s %d\n", step, ((int (*)(void))look_up(library, step))());
        }
    }
    return 0;
}
