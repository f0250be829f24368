"""What the tests with real hosts share: the plugin, and running a program that loads it."""

import shutil

import pytest


@pytest.fixture(autouse=True)
def plugin(request, build_plugin):
    """`check.so` in `tmp_path`, of the `check.py` beside the test."""
    return build_plugin(request.path.with_name("check.py"))


@pytest.fixture
def run_host(run):
    """`run_host("sqlite3", ...)`: like `run`, with its options, without this Python's settings.

    A host that is not installed is a failure.
    """

    def run_host(program, *arguments, env=None, **options):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: tests/setup.sh installs it", pytrace=False)
        return run(program, *arguments, env={"PYTHONPATH": None, **(env or {})}, **options)

    return run_host
