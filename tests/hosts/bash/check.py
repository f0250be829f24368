"""A builtin for bash: `enable -f ./check.so check`, then `check 40 2` prints the sum."""

import sys

import epy

bash = epy.header("""
/* From bash's builtins.h and command.h. */
#define BUILTIN_ENABLED 0x01
typedef struct word_desc { char *word; int flags; } WORD_DESC;
typedef struct word_list { struct word_list *next; WORD_DESC *word; } WORD_LIST;
struct builtin {
    char *name;
    int (*function)(WORD_LIST *);
    int flags;
    char *const *long_doc;
    const char *short_doc;
    char *handle;
};
extern struct builtin check_struct;
int check_builtin_load(char *name);
void check_builtin_unload(char *name);
""")


def check(words):
    total = 0
    while words:
        total += int(words.word.word)
        words = words.next
    print(total)
    return 0


bash.export_data(
    "check_struct",
    {
        "name": "check",
        "function": bash.callback("int (*)(WORD_LIST *)", check, error=1),
        "flags": bash.BUILTIN_ENABLED,
        "long_doc": ["Print the sum of the arguments.", None],
        "short_doc": "check NUMBER ...",
    },
)


@bash.export
def check_builtin_load(name):
    return 1


@bash.export
def check_builtin_unload(name):
    print(f"{name.decode()}: unloaded", file=sys.stderr)
