"""glibc loads a name service by its own name for it, from inside getpwnam."""

import pytest


@pytest.fixture
def getent(run_host, plugin):
    """`getent(key, ...)`: the entries that it prints."""
    plugin.rename(plugin.with_name("libnss_check.so.2"))

    def getent(*keys, status=0):
        environment = {"LD_LIBRARY_PATH": str(plugin.parent)}
        arguments = ("-s", "check", "passwd", *keys)
        return run_host("getent", *arguments, env=environment, status=status).stdout

    return getent


def test_a_user_by_name_and_by_number(getent):
    assert getent("pyuser", "4242") == "pyuser:x:4242:4242:Py:/nowhere:/bin/sh\n" * 2


def test_nobody(getent):
    assert getent("nobody-of-that-name", status=2) == ""
