"""GStreamer's loader brings elements written in Python, whose data comes by its own threads."""

import re
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.needs("gst-launch-1.0", "/usr/lib/*/gstreamer-1.0/libgstpython.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

ELEMENT = """
import sys
import gi
gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase

ANY = Gst.Caps.new_any()

def pad(name, direction):
    return Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, ANY)

class One(GstBase.BaseTransform):
    __gstmetadata__ = ("One", "Transform", "Says what comes", "me")
    __gsttemplates__ = (pad("src", Gst.PadDirection.SRC), pad("sink", Gst.PadDirection.SINK))

    def do_transform_ip(self, buffer):
        path = [folder for folder in sys.path if not folder.endswith("/python")]  # GStreamer's own
        print("python:", buffer.get_size(), flush=True)
        print("looks:", (sys.prefix, path, sys.argv, sys.flags), flush=True)
        return Gst.FlowReturn.OK

GObject.type_register(One)
__gstelementfactory__ = ("one", Gst.Rank.NONE, One)
"""


@pytest.fixture
def build_options():
    (library,) = Path("/usr/lib").glob("*/glib-2.0/include")
    folders = ("/usr/include/gstreamer-1.0", "/usr/include/glib-2.0", str(library))
    return [part for folder in folders for part in ("-I", folder)]


@pytest.fixture
def launch(run_host, tmp_path, plugin):
    """`launch(folder, ...)`: what a pipeline with the Python element says, with their plugins.

    Each folder is looked through in its order, and both ways: as the first time, when every plugin
    starts, and once more, when each does where it is needed. The types of data that were found come
    first, then what the element printed, then what was on stderr, then how Python looks.
    """
    (loader,) = Path("/usr/lib").glob("*/gstreamer-1.0/libgstpython.so")
    (tmp_path / "elements" / "python").mkdir(parents=True)
    (tmp_path / "elements" / "python" / "one.py").write_text(ELEMENT, encoding="utf-8")
    (tmp_path / "epy").mkdir()
    plugin.rename(tmp_path / "epy" / "libgstcheck.so")
    (tmp_path / "data").write_text("CHECK" * 1000, encoding="utf-8")

    def launch(*folders):
        (tmp_path / "registry").unlink(missing_ok=True)
        places = [{"python": loader.parent, "epy": "epy"}[folder] for folder in folders]
        environment = {
            "GST_REGISTRY": "registry",
            "GST_REGISTRY_FORK": "no",
            "GST_PLUGIN_SYSTEM_PATH_1_0": "",
            "GST_PLUGIN_PATH": ":".join(map(str, [*places, "elements"])),
        }
        typefind = "typefind ! " if "epy" in folders else ""
        pipeline = f"filesrc location=data ! {typefind}one ! fakesink"
        answers = []
        for _ in range(2):
            result = run_host("gst-launch-1.0", "-v", *pipeline.split(), env=environment)
            types = re.findall(r"typefindelement0.GstPad:src: caps = ([\w/-]+)", result.stdout)
            said = re.findall(r"^python.*", result.stdout, re.MULTILINE)
            looks = re.findall(r"^looks.*", result.stdout, re.MULTILINE)
            errors = re.sub(r":\d+\)|\d+:\d+:\d+\.\d+", "", result.stderr)
            answers.append((types, said, errors, looks))
        return answers

    return launch


FOLDERS = pytest.mark.parametrize(
    "folders", [("python", "epy"), ("epy", "python")], ids=["python", "epy"]
)


@FOLDERS
def test_both(launch, folders, packages):
    expected = [([f"application/x-{packages}"], *alone[1:3]) for alone in launch("python")]
    assert [answer[:3] for answer in launch(*folders)] == expected


@FOLDERS
def test_python_looks_as_it_does_alone(launch, folders):
    assert [answer[3] for answer in launch(*folders)] == [alone[3] for alone in launch("python")]
