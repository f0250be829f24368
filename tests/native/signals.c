// A host that owns its signals. Arguments: commands, in order.
//
//   open FILE | close      dlopen and dlclose a plugin
//   call NAME              call int NAME(void), print what it returns
//   thread NAME            the same in a thread of its own, which ends
//   handle N               handle the signal N: print "host N"
//   ignore N               ignore it
//   keep                   remember what every signal does
//   changed                print the signals that do something else than remembered
//   raise N                raise it
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { signals = 65, restorer = 0x04000000 }; // the C library's own flag

static struct sigaction kept[signals];
static void *plugin;

static void say(int number) {
    char text[] = "host 00\n";
    text[5] = (char)('0' + number / 10);
    text[6] = (char)('0' + number % 10);
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0) {
        abort();
    }
}

static void *call(void *name) {
    int (*function)(void) = (int (*)(void))dlsym(plugin, name);
    if (function == NULL) {
        printf("no symbol: %s\n", dlerror());
    } else {
        printf("%d\n", function());
    }
    return NULL;
}

static void look(int compare) {
    for (int i = 1; i < signals; ++i) {
        struct sigaction now = {0}; // 32 and 33, which are libc's, stay zero
        sigaction(i, NULL, &now);
        now.sa_flags &= ~restorer;
        if (!compare) {
            kept[i] = now;
        } else if (now.sa_handler != kept[i].sa_handler || now.sa_flags != kept[i].sa_flags) {
            printf("changed %d\n", i);
        }
    }
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int i = 1; i < count; ++i) {
        const char *command = words[i];
        if (strcmp(command, "keep") == 0 || strcmp(command, "changed") == 0) {
            look(command[0] == 'c');
        } else if (strcmp(command, "close") == 0) {
            dlclose(plugin);
        } else if (strcmp(command, "open") == 0) {
            plugin = dlopen(words[++i], RTLD_NOW);
        } else if (strcmp(command, "call") == 0) {
            call(words[++i]);
        } else if (strcmp(command, "thread") == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, call, words[++i]);
            pthread_join(thread, NULL);
        } else if (strcmp(command, "raise") == 0) {
            raise(atoi(words[++i]));
        } else {
            const struct sigaction wanted = {.sa_handler = command[0] == 'h' ? say : SIG_IGN,
                                             .sa_flags = SA_RESTART};
            sigaction(atoi(words[++i]), &wanted, NULL);
        }
    }
    return 0;
}
