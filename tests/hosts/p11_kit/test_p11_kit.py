"""p11-kit loads a PKCS#11 module: a table of 68 functions, of which the script has six."""


def test_a_token_of_which_most_is_not_supported(run, plugin, request, tmp_path):
    include = "-I/usr/include/p11-kit-1"
    source = request.path.with_name("host.c")
    run("cc", "-Wall", "-o", tmp_path / "host", source, include, "-l:libp11-kit.so.0")
    result = run(tmp_path / "host", plugin, env={"PYTHONPATH": None})
    assert result.stdout.splitlines() == [
        "A token in Python 1.40",
        "1: slot 7, check, 0x400",
        "Internal error",
        "This operation is not supported",
        "This operation is not supported",
    ]
    assert "LookupError: 1" in result.stderr
