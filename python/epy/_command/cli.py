"""The command line."""

import argparse
import difflib
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from .._errors import Error
from .._printable import printable
from . import authoring, streams, system_errors
from .colours import coloured
from .options import add_header_options, apart, versions
from .progress import Progress

_STORY = """\
epy makes a C plugin out of a Python script: a real shared object that any C
program finds with dlopen, or links with -l. The host knows nothing of Python.

    # synth.py
    import epy
    from ctypes import c_int

    @epy.export
    def add(a: c_int, b: c_int) -> c_int:
        return a + b

    $ epy build synth.py          writes synth.so
    $ epy inspect synth.so        shows what it exports
    $ epy call synth.so add 2 3   prints 5
"""
_PYTHON = "the Python that runs it; default: this one"


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, and whose help is output like any other."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"epy: {message}; see `{self.prog} --help`\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """A command that there is not: the one that was meant."""
        near = difflib.get_close_matches(str(value), map(str, action.choices or ()), 1)
        if near and value not in (action.choices or ()):
            self.error(f"there is no {value!r}; did you mean {near[0]}?")
        super()._check_value(action, value)

    def _print_message(self, message: str, file: Any = None) -> None:
        """From Python 3.12 on argparse ignores that its text cannot be written."""
        if file is not None and file is sys.stdout:
            file.write(message)
        else:
            streams.complain(message.rstrip("\n"))


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit status: 0, 1 if the called function failed, 2 for any mistake.

    Ctrl-C, and a reader of its output that has gone, end the process by SIGINT and SIGPIPE, as they
    end any program.
    """
    streams.begin()
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        streams.complain("epy: interrupted")
        return _die(signal.SIGINT)
    except BrokenPipeError:
        return _die(signal.SIGPIPE)
    except OSError as error:
        streams.complain(f"epy: standard output: {error.strerror}")
        streams.discard_output()
        return 2


def _die(number: int) -> int:
    streams.discard_output()
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number


def _run(argv: list[str] | None) -> int:
    commands = parser()
    given = sys.argv[1:] if argv is None else argv
    if given[:1] in (["build"], ["inspect"], ["new"]):
        given = apart(given)
    elif given[:1] == ["run"] and "--" in given:  # behind it are the host's
        own = given.index("--")
        given = [*apart(given[:own]), *given[own:]]
    options = commands.parse_args(given)
    flags = [one for one in ("cflags", "libs", "pkgconfigdir", "cmakedir") if getattr(options, one)]
    if flags:
        from .flags import flags_of

        print(*(flags_of(one) for one in flags))
        return 0
    if options.command is None:
        commands.print_help()
        return 0
    try:
        return int(options.run(options))
    except Error as error:
        problem = str(error)
    except OSError as error:
        if not (problem := system_errors.describe(error)):
            raise
    streams.complain(f"{coloured('epy:', 'bad', sys.stderr)} {printable(problem)}")
    return 2


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = _Parser(
        prog="epy",
        description=_STORY,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"epy {__version__}")
    compilers = parser.add_argument_group("for a host that uses epy.h")
    compilers.add_argument("--cflags", action="store_true", help="what its compiler needs")
    compilers.add_argument("--libs", action="store_true", help="what its linker needs")
    compilers.add_argument(
        "--pkgconfigdir", action="store_true", help="the folder of epy.pc, for PKG_CONFIG_PATH"
    )
    compilers.add_argument(
        "--cmakedir", action="store_true", help="the folder of epyConfig.cmake, for epy_DIR"
    )
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    authoring.add_new(commands)
    _add_build(commands)
    _add_inspect(commands)
    _add_call(commands)
    _add_stub(commands)
    authoring.add_further(commands)
    return parser


def _add_build(commands: Any) -> None:
    build = commands.add_parser("build", help="make a plugin from a script")
    build.description = (
        "Import SCRIPT, and write what it exports as a plugin, with the modules beside it that it "
        "imports, or with all that is in its package."
    )
    build.epilog = "example: epy build gain.py --pkg gstreamer-1.0 -o libgain.so"
    build.add_argument("script", metavar="SCRIPT", help="a .py file, or the folder of a package")
    build.add_argument("-o", "--output", metavar="OUT", help="default: SCRIPT's name with .so here")
    build.add_argument(
        "--editable", action="store_true", help="read the script from its place at each load"
    )
    build.add_argument(
        "--reload",
        action="store_true",
        help="like --editable, and again when its files change",
    )
    build.add_argument(
        "--eager", action="store_true", help="start Python when loaded, not at the first call"
    )
    build.add_argument(
        "--isolation",
        choices=("shared", "own-gil"),
        default="shared",
        help="own-gil: an interpreter, and its lock, for this plugin alone; Python 3.13 and newer",
    )
    build.add_argument("--python", metavar="PATH", help=_PYTHON)
    build.add_argument(
        "--standalone",
        action="store_true",
        help="with what it needs of epy inside: it runs wherever a libpython is",
    )
    build.add_argument(
        "--cores",
        metavar="VERSIONS",
        type=versions,
        default=(),
        help="for --standalone: the Pythons that it can run in, as in 3.11,3.13; default: all that "
        "this epy serves",
    )
    rule = "write a rule for make: what the plugin was made of"
    build.add_argument("--depfile", metavar="FILE", help=rule)
    add_header_options(build)
    build.set_defaults(run=_build)


def _add_inspect(commands: Any) -> None:
    inspect = commands.add_parser("inspect", help="show what a plugin exports and needs")
    inspect.description = (
        "Read the file, without loading it. With --header: what a C header itself declares for "
        "epy.header."
    )
    inspect.epilog = (
        "examples: epy inspect gain.so; epy inspect --c gain.so > gain.h; "
        "epy inspect --header lua.h 'lua_push*'"
    )
    inspect.add_argument(
        "names",
        metavar="PLUGIN|NAME",
        nargs="*",
        help="a plugin; with --header names to show, all by default, as in 'lua_push*'",
    )
    inspect.add_argument("--header", metavar="FILE", help="a C header, as a script would name it")
    inspect.add_argument(
        "--all", dest="every", action="store_true", help="what the header includes, too"
    )
    inspect.add_argument(
        "--pyi",
        action="store_true",
        help="for type checkers: a stub for the module that reads the header, to lie beside it, as "
        "in -o host.pyi beside host.py with `host = epy.header(...)`",
    )
    inspect.add_argument("-o", "--output", metavar="OUT", help="of --pyi; default: standard output")
    add_header_options(inspect)
    inspect.add_argument("--json", action="store_true", help="for programs")
    inspect.add_argument("--c", action="store_true", help="a C header of what PLUGIN exports")
    inspect.set_defaults(run=_inspect)


def _add_call(commands: Any) -> None:
    call = commands.add_parser("call", help="call a function of a plugin")
    call.description = "Load PLUGIN, call FUNCTION, print its result. Exit status 1 if it raised."
    call.epilog = "examples: epy call sums.so add 1 0x10; epy call sums.so mean '[1, 2.5]' 2 out"
    call.add_argument("plugin", metavar="PLUGIN", type=Path)
    call.add_argument("function", metavar="FUNCTION", nargs="?", help="without: what there is")
    call.add_argument(
        "arguments",
        metavar="ARG",
        nargs=argparse.REMAINDER,
        help="integers in any base (0x2a), numbers, true or false, text, null; for structs and "
        "what a pointer leads to JSON; `out`, or `out:64` for so many, for what is written there",
    )
    call.set_defaults(run=_call)


def _add_stub(commands: Any) -> None:
    stub = commands.add_parser("stub", help="write the bare stub, which needs no build")
    stub.description = "Copied to synth.so beside synth.py, the stub runs that script."
    stub.epilog = "example: epy stub -o synth.so"
    stub.add_argument("-o", "--output", metavar="OUT", default="stub.so", help="default: stub.so")
    stub.add_argument("--python", metavar="PATH", help=_PYTHON)
    stub.set_defaults(run=_stub)


def _build(options: argparse.Namespace) -> int:
    from .build import build

    with Progress(f"builds {options.script}"):
        output = build(
            options.script,
            options.output,
            editable=options.editable,
            reload=options.reload,
            eager=options.eager,
            isolation=options.isolation,
            python=options.python,
            standalone=options.standalone,
            cores=options.cores,
            flags=options.flags,
            packages=options.pkg,
            depfile=options.depfile,
        )
    print(printable(f"{options.script} -> {options.output or output.name}"))
    return 0


def _stub(options: argparse.Namespace) -> int:
    from .build import bare_stub

    print(bare_stub(options.output, options.python))
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from . import inspect

    if options.output is not None and not options.pyi:
        raise Error("-o is for --pyi; of all else the shell makes a file, as in `... > gain.h`")
    if options.header is not None:
        return _write_stub(options) if options.pyi else _inspect_header(options)
    if len(options.names) != 1 or options.pyi:
        raise Error("name one plugin, or a header with --header")
    description = inspect.describe(Path(options.names[0]))
    if options.json:
        import json

        print(json.dumps(description, indent=2))
    elif options.c:
        from .inspect_c import render_c

        print(render_c(description), end="")
    else:
        print(inspect.render(description), end="")
    return 0


def _write_stub(options: argparse.Namespace) -> int:
    from .header_stub import render_stub, save

    stem = Path(options.output or options.header).stem
    if not stem.isidentifier():
        raise Error(f"{stem}.pyi: no module of that name: name the stub with -o, as in -o host.pyi")
    with Progress(f"reads {options.header}"):
        text = render_stub(options.header, stem, options.flags, options.pkg)
    if options.output is None:
        print(text, end="")
    else:
        save(Path(options.output), text)
    return 0


def _inspect_header(options: argparse.Namespace) -> int:
    from .inspect_header import describe_header, render_header

    with Progress(f"reads {options.header}"):
        found = describe_header(
            options.header, options.flags, options.pkg, options.names, options.every
        )
    if options.json:
        import json

        print(json.dumps(found[0], indent=2))
    else:
        print(render_header(*found), end="")
    return 0


def _call(options: argparse.Namespace) -> int:
    from .call import call, list_functions

    if options.function is None:
        print(list_functions(options.plugin), end="")
        return 0
    return call(options.plugin, options.function, options.arguments)
