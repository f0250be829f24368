"""A builtin for bash.

    epy build NAME.py
    bash -c 'enable -f ./NAME.so NAME; NAME hello'

No header is needed: what bash asks for is declared below.
"""

import epy

bash = epy.header(
    """
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
    extern struct builtin NAME_struct;
    """
)


def shout(text: str) -> str:
    return text.upper() + "!"


def bash_shout(words):
    """What bash calls; the result is the builtin's exit status."""
    while words:
        print(shout(words.word.word.decode()))
        words = words.next
    return 0


# bash reads X_struct, where X is the builtin's name, before it calls anything.
bash.export_data(
    "NAME_struct",
    {
        "name": "NAME",
        "function": bash.callback("int (*)(WORD_LIST *)", bash_shout, error=1),
        "flags": bash.BUILTIN_ENABLED,
        "long_doc": ["Print each word loudly.", None],
        "short_doc": "NAME WORD ...",
    },
)
