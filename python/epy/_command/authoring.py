"""The commands around the making of a plugin: beginning, trying it in its host, looking into it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._errors import Error
from .new import hosts
from .options import add_header_options
from .progress import Progress

_HOST = "the host's command line, after --; {} is the plugin's path, {folder} its folder"


def add_new(commands: Any) -> None:
    """Add `new`, which comes first."""
    new = commands.add_parser(
        "new",
        help="write a script to begin with",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Write NAME.py, a working plugin for a host that epy knows, or one with the\n"
        "functions and structs of any host's header; and test_NAME.py, its test.",
        epilog="examples: epy new shout --host sqlite3 && pytest && epy build shout.py\n"
        "          epy new gain --header ladspa.h --export 'ladspa_*'",
    )
    new.add_argument("name", metavar="NAME", nargs="?", default="plugin", help="default: plugin")
    kind = new.add_mutually_exclusive_group(required=True)
    kind.add_argument("--host", help=f"one of {', '.join(hosts())}")
    kind.add_argument("--header", metavar="FILE", help="the host's C header")
    new.add_argument(
        "--export",
        metavar="PATTERN",
        action="append",
        default=[],
        help="with --header: the functions that the host looks up, such as 'player_*'; may be "
        "given again",
    )
    add_header_options(new)
    new.set_defaults(run=_new)


def add_further(commands: Any) -> None:
    """Add `bundle`, `run`, `trace`, `doctor` and `completion`."""
    _add_bundle(commands)
    _add_run(commands)
    _add_trace(commands)
    _add_doctor(commands)
    _add_completion(commands)


def _add_bundle(commands: Any) -> None:
    bundle = commands.add_parser(
        "bundle",
        help="make a folder with all that a plugin needs, to be sent",
        description="Write a folder with PLUGIN, epy, the packages that it needs and, with "
        "--python, Python. It runs where it is copied to, without epy; a folder that was cut "
        "short or edited is refused.",
        epilog="example: epy bundle gain.so -o gain --with numpy --python",
    )
    bundle.add_argument("plugin", metavar="PLUGIN", type=Path)
    bundle.add_argument("-o", "--output", metavar="DIR", required=True, help="a new folder")
    bundle.add_argument(
        "--with",
        dest="packages",
        metavar="PACKAGES",
        action="append",
        default=[],
        help="packages that are installed here, as in numpy,pillow, and what they need",
    )
    bundle.add_argument(
        "--python",
        action="store_true",
        help="the Python that runs this: its libpython and standard library",
    )
    bundle.set_defaults(run=_bundle)


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="build, start a host with the plugin, and follow edits",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Build SCRIPT into the cache and start the host with it. When the\n"
        "script's files change, it runs again, and the host's next call reaches the\nnew code.",
        epilog="examples: epy run shout.py -- sqlite3 :memory: '.load {}' 'select shout(1)'\n"
        "          epy run who.py -- id -u            without {}: by LD_PRELOAD",
    )
    run.add_argument("script", metavar="SCRIPT", help="a .py file, or the folder of a package")
    run.add_argument("host", metavar="HOST", nargs=argparse.REMAINDER, help=_HOST)
    add_header_options(run)
    run.set_defaults(run=_run)


def _add_trace(commands: Any) -> None:
    trace = commands.add_parser(
        "trace",
        help="run a host, and write a timeline of its calls",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run the host, print which functions of the plugin were called how often\n"
        "and for how long, and write every call with its thread, arguments and error,\n"
        "for ui.perfetto.dev or chrome://tracing.",
        epilog="example: epy trace shout.so -- sqlite3 :memory: '.load {}' 'select shout(1)'",
    )
    trace.add_argument(
        "-o", "--output", metavar="OUT", type=Path, default="trace.json", help="trace.json"
    )
    trace.add_argument("plugin", metavar="PLUGIN", type=Path)
    trace.add_argument("host", metavar="HOST", nargs=argparse.REMAINDER, help=_HOST)
    trace.set_defaults(run=_trace)


def _add_doctor(commands: Any) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="what would a plugin find here, and what is wrong",
        description="Look at this machine, and at what PLUGIN needs of it. Exit status 1 if "
        "something is wrong.",
        epilog="example: epy doctor shout.so --host sqlite3",
    )
    doctor.add_argument("plugin", metavar="PLUGIN", type=Path, nargs="?")
    doctor.add_argument("--host", metavar="PROGRAM", help="the program that is to load it")
    doctor.set_defaults(run=_doctor)


def _add_completion(commands: Any) -> None:
    completion = commands.add_parser(
        "completion",
        help="print what makes a shell complete these commands",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Print the completions of a shell, made by the package shtab.",
        epilog="examples: epy completion bash > ~/.local/share/bash-completion/completions/epy\n"
        "          epy completion zsh > ~/.zfunc/_epy",
    )
    completion.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "tcsh"))
    completion.set_defaults(run=_completion)


# In the help, what is a file or a folder.
_FILES = ("FILE", "OUT", "PATH", "PLUGIN", "PLUGIN|NAME", "SCRIPT")


def _command(options: argparse.Namespace) -> list[str]:
    words: list[str] = options.host
    if words and words[0] != "--" and words[0].startswith("-"):
        raise Error(f"{words[0]}: options come first, the host's command line comes after --")
    return words[1:] if words[:1] == ["--"] else words


def _new(options: argparse.Namespace) -> int:
    from . import new

    name = new.name_in(options.name)
    if options.header is None:
        texts = new.of_host(options.host, name)
    else:
        from .new_from_header import skeleton

        if not options.export:
            raise Error("--header needs --export PATTERN: the functions that the host looks up")
        with Progress(f"reads {options.header}"):
            made = skeleton(name, options.header, options.export, options.flags, options.pkg)
        texts = made.script, made.test
        for it in made.left_out:
            print(f"epy: left out: {it}", file=sys.stderr)
    for path in new.write(options.name, texts):
        print(path)
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from .bundle import bundle

    names = [name.strip() for text in options.packages for name in text.split(",")]
    count, size = bundle(options.plugin, options.output, filter(None, names), options.python)
    print(f"{options.plugin} -> {options.output} ({count} files, {size / 1e6:.1f} MB)")
    return 0


def _run(options: argparse.Namespace) -> int:
    from .run import run

    run(options.script, _command(options), flags=options.flags, packages=options.pkg)
    return 0


def _trace(options: argparse.Namespace) -> int:
    from .trace import trace

    status, table = trace(options.plugin, _command(options), options.output)
    print(table, end="", file=sys.stderr)
    print(f"{options.output}: open it with ui.perfetto.dev", file=sys.stderr)
    return status


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine, render

    with Progress("looks at this machine"):
        findings = examine(options.plugin, options.host)
    print(render(findings), end="")
    return int(any(finding.remedy for finding in findings))


def _completion(options: argparse.Namespace) -> int:
    from .cli import parser

    try:
        import shtab
    except ModuleNotFoundError:
        raise Error("completion needs the package shtab; install it with pip") from None
    described = parser()
    _name_files(described, {"DIR": shtab.DIRECTORY, **dict.fromkeys(_FILES, shtab.FILE)})
    print(shtab.complete(described, options.shell))
    return 0


def _name_files(one: argparse.ArgumentParser, kinds: Mapping[str, object]) -> None:
    """What shtab completes as a path, by what the help calls it."""
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _name_files(command, kinds)
        elif isinstance(action.metavar, str) and action.metavar in kinds:
            setattr(action, "complete", kinds[action.metavar])  # noqa: B010
