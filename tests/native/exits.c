// A host that ends in many ways. Arguments: commands, in order; at the end main returns.
//
//   open FILE | close        dlopen and dlclose a plugin
//   call NAME                call int NAME(void), print what it returns
//   atexit NAME              call it when the process exits
//   atexit-close             close the plugin when the process exits
//   thread NAME              call it in a thread, after which the host goes on at once
//   exit-in-thread           exit(5) in a thread; wait for the end
//   wait FILE                until the file is there
//   pthread_exit             end the main thread alone
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *plugin;
static const char *last_name;

static void call(const char *name) {
    int (*function)(void) = (int (*)(void))dlsym(plugin, name);
    if (function == NULL) {
        printf("no symbol: %s\n", dlerror());
    } else {
        printf("%s: %d\n", name, function());
    }
}

static void call_last(void) { call(last_name); }
static void close_last(void) { dlclose(plugin); }

static void *call_in_thread(void *name) {
    call(name);
    return NULL;
}

static void *exit_in_thread(void *status) { exit((int)(long)status); }

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IONBF, 0);
    pthread_t thread;
    for (int i = 1; i < count; ++i) {
        const char *command = words[i];
        if (strcmp(command, "open") == 0) {
            plugin = dlopen(words[++i], RTLD_NOW);
        } else if (strcmp(command, "close") == 0) {
            dlclose(plugin);
        } else if (strcmp(command, "call") == 0) {
            call(words[++i]);
        } else if (strcmp(command, "atexit") == 0) {
            last_name = words[++i];
            atexit(call_last);
        } else if (strcmp(command, "atexit-close") == 0) {
            atexit(close_last);
        } else if (strcmp(command, "thread") == 0) {
            pthread_create(&thread, NULL, call_in_thread, words[++i]);
        } else if (strcmp(command, "wait") == 0) {
            for (++i; access(words[i], F_OK) != 0;) {
                usleep(1000);
            }
        } else if (strcmp(command, "pthread_exit") == 0) {
            pthread_exit(NULL);
        } else {
            pthread_create(&thread, NULL, exit_in_thread, (void *)5L);
            pause();
        }
    }
    return 0;
}
