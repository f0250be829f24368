"""What tests share: building plugins with epy, running programs, and CMake's C hosts."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import in_rounds
import pytest
from in_rounds import (  # noqa: F401
    pytest_collection_modifyitems,
    pytest_terminal_summary,
)
from waits import without_waits

BUILD = Path(os.environ["EPY_BUILD_DIR"])

Result = subprocess.CompletedProcess[str]

# Programs that a sanitizer's library, which hosts are run with, only makes slow.
COMPILERS = {"cc", "c++", "gcc", "g++", "clang", "clang++"}

LIMIT = 600  # seconds for a program: it hangs. What is only slow, on a busy machine, is no failure.


# A shell ignores these for what it runs in the background, and so would each host.
for one in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(one) is signal.SIG_IGN:
        signal.signal(one, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--calls", type=int, default=10_000, help="calls of each thread in the stress tests"
    )


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> int:
    """How many calls each thread of a stress test makes."""
    return int(request.config.getoption("calls"))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """`run(*command)` in `tmp_path`: its result, after checking the exit status.

    `status` is the one expected, None for any; `env` is added to the environment (None unsets).
    """

    def run(
        *command: str | os.PathLike[str],
        status: int | None = 0,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] = tmp_path,
        stdin: str = "",
    ) -> Result:
        # Unbuffered, the lines of two threads mix.
        rounds = in_rounds.environment(
            os.fspath(command[0]), BUILD / "tests" / "rounds.so", (BUILD / "tests", tmp_path)
        )
        environment = {**os.environ, "PYTHONUNBUFFERED": None, **rounds, **(env or {})}
        if command[0] in COMPILERS:
            environment["LD_PRELOAD"] = None
        result = subprocess.run(
            [os.fspath(part) for part in command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            env={name: value for name, value in environment.items() if value is not None},
            timeout=LIMIT,
        )
        in_rounds.check(result.returncode, result.stderr)
        if status is not None and result.returncode != status:
            pytest.fail(
                f"{result.args} exited {result.returncode}, not {status}\n"
                f"--- stdout\n{result.stdout}--- stderr\n{result.stderr}"
            )
        return result

    return run


@pytest.fixture
def no_python_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of which Python a plugin finds: whoever runs them may have named one."""
    monkeypatch.delenv("EPY_PYTHON", raising=False)


@pytest.fixture
def epy(run: Callable[..., Result]) -> Callable[..., Result]:
    """`epy("build", ...)` runs epy's command line; options as for `run`."""

    def epy(*arguments: str | os.PathLike[str], **options: object) -> Result:
        return run(sys.executable, "-m", "epy", *arguments, **options)

    return epy


@pytest.fixture
def build_plugin(epy: Callable[..., Result], tmp_path: Path) -> Callable[..., Path]:
    """`build_plugin(script, *arguments)`: the plugin's path, in `tmp_path`.

    `script` is a path, or a script's text (then `name` is what it is saved as). `arguments` go to
    `epy build`.
    """

    def build(script: str | Path, *arguments: str, name: str = "plugin") -> Path:
        if isinstance(script, str):
            path = tmp_path / f"{name}.py"
            path.write_text(script, encoding="utf-8")
        else:
            path = script
        plugin = tmp_path / f"{path.stem}.so"
        epy("build", path, "-o", plugin, *arguments)
        return plugin

    return build


@pytest.fixture
def native() -> Callable[[str], Path]:
    """`native("call")`: the program that CMake built from `tests/native/call.c`."""
    return lambda name: BUILD / "tests" / "native" / name


@pytest.fixture
def call(native: Callable[[str], Path], run: Callable[..., Result]) -> Callable[..., list[str]]:
    """`call(*commands)`: the lines that the host `call` prints; nothing else may be on stderr than
    what tells of a busy machine.
    """

    def call(*commands: str, **options: object) -> list[str]:
        result = run(native("call"), *commands, **options)
        assert without_waits(result.stderr) == ""
        return result.stdout.splitlines()

    return call


@pytest.fixture
def compile_c(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Path]:
    """`compile_c(source, *flags)`: a program made of C text while the test runs.

    For hosts that link a plugin. Flags come after the source, so `-lname` works.
    """

    def compile_c(source: str, *flags: str | Path, name: str = "host") -> Path:
        text = tmp_path / f"{name}.c"
        text.write_text(source, encoding="utf-8")
        run("cc", "-Wall", "-o", tmp_path / name, text, *flags)
        return tmp_path / name

    return compile_c


@pytest.fixture
def epy_host(epy: Callable[..., Result], run: Callable[..., Result], tmp_path: Path) -> Any:
    """`epy_host(source, *flags)`: a program that includes epy.h and is linked with it.

    C99 as gcc has it, or as `compiler` says: "clang", "g++", "clang++".
    """

    def epy_host(
        source: str, *flags: str | Path, compiler: str = "gcc", name: str = "host"
    ) -> Path:
        is_cplusplus = compiler.endswith("++")
        text = tmp_path / f"{name}.{'cpp' if is_cplusplus else 'c'}"
        text.write_text(source, encoding="utf-8")
        standard = "-std=c++17" if is_cplusplus else "-std=c99"
        run(
            *(compiler, standard, "-pedantic", "-Wall", "-Wextra", "-Werror", "-g"),
            *shlex.split(epy("--cflags").stdout),
            *("-o", tmp_path / name, text, *flags),
            *shlex.split(epy("--libs").stdout),
        )
        return tmp_path / name

    return epy_host


@pytest.fixture
def preload() -> Callable[..., dict[str, str]]:
    """`preload(plugin)`: an environment for `run` that preloads it, behind a sanitizer if any."""

    def preload(*libraries: str | Path) -> dict[str, str]:
        first = os.environ.get("LD_PRELOAD")
        return {"LD_PRELOAD": ":".join([*([first] if first else []), *map(str, libraries)])}

    return preload
