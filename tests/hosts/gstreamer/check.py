"""A plugin for GStreamer, which knows a kind of file by its beginning."""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

gst = epy.header("gst/gst.h")


@gst.callback("GstTypeFindFunction")
def find(source, data):
    begin = gst.gst_type_find_peek(source, 0, 5)
    if begin and bytes(begin[:5]) == b"CHECK":
        caps = gst.gst_caps_from_string(f"application/x-{NAME}".encode())
        gst.gst_type_find_suggest(source, gst.GST_TYPE_FIND_MAXIMUM, caps)
        gst.gst_mini_object_unref(caps[0].mini_object)


def plugin_init(plugin):
    return gst.gst_type_find_register(plugin, b"check", 0, find, None, None, None, None)


epy.export_data(
    "gst_plugin_desc",
    gst.GstPluginDesc(
        major_version=gst.GST_VERSION_MAJOR,
        minor_version=gst.GST_VERSION_MINOR,
        name="check",
        description="A guest",
        plugin_init=plugin_init,
        version="1",
        license="MIT/X11",
        source="epy",
        package="epy",
        origin="epy",
    ),
)
