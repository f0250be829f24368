"""What the tests of the command line share."""

import pytest


@pytest.fixture
def mistake(epy):
    """`mistake("build", ...)`: the message of a command that fails, which is all that it prints."""

    def mistake(*arguments):
        result = epy(*arguments, status=2)
        assert result.stdout == ""
        assert result.stderr.startswith("epy: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr[5:-1]

    return mistake
