"""The manual page epy(1), from what `--help` says: `python -m epy._command.manual epy.1`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .. import __version__
from .cli import parser


def manual() -> str:
    """The page, in the language of man."""
    commands = parser()
    story, _, example = (commands.description or "").partition("\n\n")
    lines = [
        f'.TH EPY 1 "" "epy {__version__}" "User Commands"',
        ".SH NAME",
        r"epy \- a Python script becomes a C plugin",
        ".SH SYNOPSIS",
        r".B epy",
        r"[\fIOPTION\fR] \fICOMMAND\fR [\fIARGUMENT\fR ...]",
        ".SH DESCRIPTION",
        *_paragraph(story),
        *_example(example),
        ".SH OPTIONS",
        *_options(commands),
        ".SH COMMANDS",
    ]
    for name, command in _commands(commands).items():
        lines += [f'.SS "epy {name}"', *_command(command)]
    lines += [
        ".SH EXIT STATUS",
        *_paragraph("0, or 1 if a function that was called failed, or 2 for any mistake."),
    ]
    return "\n".join(lines) + "\n"


def _commands(parent: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = (it for it in parent._actions if isinstance(it, argparse._SubParsersAction))
    return dict(found.choices)


def _command(command: argparse.ArgumentParser) -> list[str]:
    usage = " ".join(command.format_usage().removeprefix("usage: ").split())
    examples = (command.epilog or "").removeprefix("examples: ").removeprefix("example: ")
    return [
        *_paragraph(usage),
        *_paragraph(" ".join((command.description or "").split())),
        *_options(command),
        *_paragraph("For example:"),
        *_example("\n".join(line.strip() for line in examples.splitlines())),
    ]


def _options(command: argparse.ArgumentParser) -> list[str]:
    lines: list[str] = []
    formatter = command._get_formatter()
    for action in command._actions:
        if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)):
            continue
        names = ", ".join(rf"\fB{_text(it)}\fR" for it in action.option_strings)
        value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
        lines += [".TP", " ".join(filter(None, (names, rf"\fI{_text(value)}\fR" if value else "")))]
        lines += _paragraph(formatter._expand_help(action) if action.help else "")[1:]
    return lines


def _paragraph(text: str) -> list[str]:
    return [".PP", _text(" ".join(text.split()))]


def _example(text: str) -> list[str]:
    return [".PP", ".nf", ".RS", *(_text(line) for line in text.splitlines()), ".RE", ".fi"]


def _text(line: str) -> str:
    line = line.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{line}" if line.startswith((".", "'")) else line


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(manual(), "utf-8")
