from ctypes import CDLL
from pathlib import Path

import NAME
import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


IGNORE = 25  # PAM_IGNORE


def test_who_may_enter():
    assert NAME.may_enter(b"sesame")
    assert not NAME.may_enter(b"open") and not NAME.may_enter(None)


def test_pam_finds_what_it_looks_for(plugin):
    module = CDLL(plugin)
    assert module.pam_sm_authenticate
    assert module.pam_sm_open_session(None, 0, 0, None) == IGNORE
