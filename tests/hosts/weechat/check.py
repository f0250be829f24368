"""A plugin for weechat: `/epy say TEXT` notes it, `/epy run COMMAND` sends a command to weechat."""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

weechat = epy.header("weechat/weechat-plugin.h", errors={"int": "WEECHAT_RC_ERROR"})

epy.export_data("weechat_plugin_api_version", weechat.WEECHAT_PLUGIN_API_VERSION)
epy.export_data("weechat_plugin_name", b"check")
epy.export_data("weechat_plugin_author", b"the epy authors")
epy.export_data("weechat_plugin_description", b"A guest")
epy.export_data("weechat_plugin_version", b"1")
epy.export_data("weechat_plugin_license", b"MIT")


def said(text):
    with open("said", "a", encoding="utf-8") as file:
        file.write(f"epy of {NAME}: {text}\n")


@weechat.export
def weechat_plugin_init(plugin, argc, argv):
    global command  # weechat keeps its address

    @weechat.callback(
        "int f(const void *, void *, struct t_gui_buffer *, int count, char **words, char **rest)"
    )
    def command(pointer, data, buffer, count, words, rest):
        if words[1] == b"run":
            plugin[0].command(plugin, buffer, rest[2])
        else:
            said(rest[2].decode())
        return weechat.WEECHAT_RC_OK

    plugin[0].hook_command(plugin, b"epy", b"", b"", b"", None, command, None, None)
    return weechat.WEECHAT_RC_OK


@weechat.export
def weechat_plugin_end(plugin):
    said("end")
    return weechat.WEECHAT_RC_OK


@epy.on_unload
def gone():
    said("unload")
