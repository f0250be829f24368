"""Symbol versions: version= of exports, found by dlvsym and by the linker."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from elftools.elf.elffile import ELFFile

SCRIPT = """
import epy
from ctypes import c_char_p, c_int

@epy.export(version="CRYPTSETUP_TOKEN_1.0")
def cryptsetup_token_version() -> c_char_p:
    return b"1.0 in Python"

host = epy.header("int cryptsetup_token_open(int token);")

@host.export(version="CRYPTSETUP_TOKEN_1.0")
def cryptsetup_token_open(token):
    return token + 1

@epy.export(version="SYNTH_2", error=-1)
def later(a: c_int) -> c_int:
    return 2 * a

@epy.export
def plain(a: c_int) -> c_int:
    return 3 * a
"""

DLVSYM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static void *plugin;

static void look(const char *name, const char *version) {
    int (*found)(int) = dlvsym(plugin, name, version);
    if (found == NULL) {
        printf("%s\n", dlerror());
    } else {
        printf("%s %s %d %d\n", name, version, found == dlsym(plugin, name), found(20));
    }
}

int main(int argc, char **argv) {
    plugin = dlopen(argv[1], argc > 2 ? RTLD_LAZY : RTLD_NOW);
    look("cryptsetup_token_open", "CRYPTSETUP_TOKEN_1.0");
    look("later", "SYNTH_2");
    look("later", "CRYPTSETUP_TOKEN_1.0");
    look("plain", "SYNTH_2");
    printf("plain %d\n", ((int (*)(int))dlsym(plugin, "plain"))(20));
    const char *(*text)(void) = dlvsym(plugin, "cryptsetup_token_version", "CRYPTSETUP_TOKEN_1.0");
    printf("%s\n", text());
    return 0;
}
"""


def test_dlvsym_finds_a_version_and_dlsym_its_name(build_plugin, compile_c, run):
    plugin = build_plugin(SCRIPT)
    host = compile_c(DLVSYM, "-ldl")
    lines = run(host, plugin).stdout.splitlines()
    assert lines[0] == "cryptsetup_token_open CRYPTSETUP_TOKEN_1.0 1 21"
    assert lines[1] == "later SYNTH_2 1 40"
    assert "undefined symbol: later, version CRYPTSETUP_TOKEN_1.0" in lines[2]
    assert "undefined symbol: plain, version SYNTH_2" in lines[3]
    assert lines[4:] == ["plain 60", "1.0 in Python"]


LINKED = r"""
#include <stdio.h>

int later(int);
int plain(int);

int main(void) {
    printf("%d %d\n", later(4), plain(4));
    return 0;
}
"""


def test_a_host_links_against_a_version(build_plugin, compile_c, run, tmp_path):
    plugin = build_plugin(SCRIPT)
    host = compile_c(LINKED, plugin, "-Wl,-rpath,$ORIGIN")
    with host.open("rb") as file:
        needed = ELFFile(file).get_section_by_name(".gnu.version_r")
        found = {
            library.name: [version.name for version in versions]
            for library, versions in needed.iter_versions()
        }
    assert found["plugin.so"] == ["SYNTH_2"]
    assert run(host).stdout == "8 12\n"


def test_a_host_that_needs_a_version_is_not_started_without_it(
    build_plugin, compile_c, run, tmp_path
):
    host = compile_c(LINKED, build_plugin(SCRIPT), "-Wl,-rpath,$ORIGIN")
    build_plugin(SCRIPT.replace("SYNTH_2", "SYNTH_3"))
    assert "version `SYNTH_2' not found" in run(host, status=1).stderr


def test_tools_see_the_versions(build_plugin, run):
    plugin = build_plugin(SCRIPT)
    names = run("nm", "-D", plugin).stdout
    assert " later@@SYNTH_2\n" in names
    assert " plain\n" in names
    elf = ELFFile(BytesIO(plugin.read_bytes()))
    definitions = elf.get_section_by_name(".gnu.version_d")
    found = [[name.name for name in names] for _, names in definitions.iter_versions()]
    assert found == [["plugin.so"], ["CRYPTSETUP_TOKEN_1.0"], ["SYNTH_2"]]
    assert elf.get_section_by_name(".gnu.version_r") is not None


def test_a_plugin_without_versions_defines_none(build_plugin):
    plugin = build_plugin("import epy\n@epy.export('int f(int)')\ndef f(a): return a\n")
    elf = ELFFile(BytesIO(plugin.read_bytes()))
    assert elf.get_section_by_name(".gnu.version_d") is None
    tags = [tag["d_tag"] for tag in elf.get_section_by_name(".dynamic").iter_tags()]
    assert "DT_VERDEF" not in tags and "DT_VERDEFNUM" not in tags


def test_versions_survive_strip(build_plugin, compile_c, run):
    plugin = build_plugin(SCRIPT)
    run("strip", plugin)
    lines = run(compile_c(DLVSYM, "-ldl"), plugin).stdout.splitlines()
    assert lines[1] == "later SYNTH_2 1 40"


def test_inspect_shows_versions(build_plugin, epy):
    plugin = build_plugin(SCRIPT)
    assert "int later(int a)                      version SYNTH_2, error -1" in (
        epy("inspect", plugin).stdout
    )
    functions = json.loads(epy("inspect", "--json", plugin).stdout)["functions"]
    assert [item["version"] for item in functions] == [
        "CRYPTSETUP_TOKEN_1.0", "CRYPTSETUP_TOKEN_1.0", "SYNTH_2", None,
    ]  # fmt: skip


def test_a_plugin_has_room_for_35_versions(build_plugin, mistake, tmp_path):
    text = (
        "import epy\n"
        "for i in range({}):\n"
        "    @epy.export('int f(int)', name=f'f{{i}}', version=f'V_{{i}}')\n"
        "    def f(a): return a\n"
    )
    plugin = build_plugin(text.format(35))
    elf = ELFFile(BytesIO(plugin.read_bytes()))
    assert elf.get_section_by_name(".gnu.version_d").num_versions() == 36
    script = tmp_path / "plugin.py"
    script.write_text(text.format(36))
    assert "version 'V_35': no room for another symbol version" in mistake("build", script)


@pytest.mark.parametrize("version", ["''", "3", "'a\\0b'", "'größe'"])
def test_what_is_no_version_is_refused(version, mistake, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import epy\n@epy.export('int f(int)', version={version})\ndef f(a): return a\n",
        encoding="utf-8",
    )
    assert "is no version for 'f': it must be an ASCII str without NUL" in mistake("build", script)


def test_a_version_that_the_file_lacks_fails_the_start(epy, native, run, tmp_path):
    (tmp_path / "side.py").write_text(SCRIPT)
    epy("stub", "-o", tmp_path / "side.so")
    result = run(native("call"), f"open {tmp_path / 'side.so'}", "find later")
    assert result.stdout == "later: no\n"
    assert (
        "'cryptsetup_token_version' gets its version 'CRYPTSETUP_TOKEN_1.0' when the plugin is "
        "built: run `epy build`"
    ) in result.stderr
