"""A plugin for GCC: it names its arguments, and counts the functions that are compiled."""

from ctypes import c_int

import epy

gcc = epy.header(
    """
    struct plugin_argument { char *key, *value; };
    struct plugin_name_args {
        char *base_name;
        const char *full_name;
        int argc;
        struct plugin_argument *argv;
        const char *version, *help;
    };
    struct plugin_gcc_version {
        const char *basever, *datestamp, *devphase, *revision, *configuration_arguments;
    };
    enum plugin_event { PLUGIN_START_PARSE_FUNCTION, PLUGIN_FINISH_PARSE_FUNCTION };
    typedef void (*plugin_callback_func)(void *gcc_data, void *user_data);
    void register_callback(const char *plugin_name, int event, plugin_callback_func callback,
                           void *user_data);
    int plugin_init(struct plugin_name_args *arguments, struct plugin_gcc_version *version);
    """,
    errors={"int": 1},
)
epy.export_data("plugin_is_GPL_compatible", c_int(1))
functions = 0


def finish_function(tree, user):
    global functions
    functions += 1
    print("function", functions, flush=True)


@gcc.export
def plugin_init(arguments, version):
    given = arguments[0]
    for one in given.argv[: given.argc]:
        if one.key != b"name":
            raise ValueError(f"{one.key.decode()} is no argument: use name=...")
        print(given.base_name.decode(), one.value.decode(), flush=True)
    gcc.register_callback(given.base_name, gcc.PLUGIN_FINISH_PARSE_FUNCTION, finish_function, None)
    return 0
