"""What commands that read C headers take: a compiler's options."""

import argparse
from typing import Any


def add_header_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("C headers")
    group.add_argument(
        "--pkg",
        metavar="NAME",
        action="append",
        default=[],
        help="search the folders, and set the macros, that pkg-config has for the package",
    )
    for flag, value, help in (
        ("-I", "DIR", "search DIR"),
        ("-isystem", "DIR", "search DIR after all -I"),
        ("-D", "NAME[=VALUE]", "set a macro, to 1 without a value"),
        ("-U", "NAME", "unset a macro"),
        ("-include", "FILE", "read FILE before"),
    ):
        group.add_argument(flag, dest="flags", metavar=value, action=_Flag, default=[], help=help)
    group.add_argument(
        "-pthread", dest="flags", action=_Flag, nargs=0, help="what pkg-config may say of threads"
    )


class _Flag(argparse.Action):
    """Collects a compiler's options in their order."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        options: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        options.flags = [*options.flags, (option_string, str(values or ""))]


def apart(arguments: list[str]) -> list[str]:
    """-isystemDIR and -includeFILE, as compilers take them, in two."""
    found = []
    for index, argument in enumerate(arguments):
        flag = next((it for it in ("-isystem", "-include") if argument.startswith(it)), argument)
        is_value = index > 0 and arguments[index - 1] in ("-isystem", "-include")
        found += [flag, argument[len(flag) :]] if argument != flag and not is_value else [argument]
    return found


def versions(text: str) -> tuple[str, ...]:
    """`3.11,3.13` as a tuple."""
    return tuple(filter(None, text.replace(" ", "").split(",")))
