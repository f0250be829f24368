"""GCC loads a plugin into the compiler proper, and calls it for each function that it has read."""

import pytest


@pytest.fixture
def compile_with(run_host, tmp_path):
    """`compile_with(argument, ...)`: what GCC does with two functions and the plugin."""
    (tmp_path / "two.c").write_text("int one(void) { return 1; }\nint two(void) { return 2; }\n")

    def compile_with(*arguments, **options):
        plugin = ("-fplugin=./check.so", *(f"-fplugin-arg-check-{one}" for one in arguments))
        return run_host("gcc", *plugin, "-c", "two.c", **options)

    return compile_with


def test_functions_are_counted(compile_with, tmp_path):
    assert compile_with("name=value").stdout == "check value\nfunction 1\nfunction 2\n"
    assert (tmp_path / "two.o").exists()


def test_an_argument_that_is_none_fails_the_compilation(compile_with):
    result = compile_with("colour=red", status=1)
    assert "ValueError: colour is no argument: use name=..." in result.stderr
    assert "failed to initialize plugin" in result.stderr
