"""nbdkit serves a disk from parallel threads, and forks into the background after loading."""

import time
from pathlib import Path

import pytest


def nbdkit(run_host, command, text="hello"):
    arguments = ("-U", "-", "./check.so", f"text={text}", "--run", command)
    return run_host("nbdkit", *arguments)


def test_a_client_reads(run_host):
    assert nbdkit(run_host, 'nbdcopy "$uri" - | head -c 5').stdout == "hello"


def test_a_client_reads_what_it_wrote(run_host):
    command = (
        "head -c 65536 /dev/zero | tr '\\0' x >disk; nbdcopy disk \"$uri\";"
        ' nbdcopy "$uri" - | cmp - disk && echo same'
    )
    assert nbdkit(run_host, command).stdout == "same\n"


def test_a_setting_that_is_none_is_refused(run_host):
    result = run_host("nbdkit", "-U", "-", "./check.so", "colour=red", "--run", "true", status=1)
    assert "ValueError: colour is no setting: use text=..." in result.stderr


def wait_until(condition):
    limit = time.monotonic() + 600  # seconds: for a hang
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_in_the_background(run_host, tmp_path):
    run_host("nbdkit", "-P", "pid", "-U", "socket", "./check.so", "text=hello")
    file = tmp_path / "pid"  # written by the background process
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    pid = file.read_text().strip()
    size = run_host("sh", "-c", f"nbdinfo --size 'nbd+unix:///?socket=socket'; kill {pid}").stdout
    assert size == "65536\n"
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


KEEP = """

@epy.on_reload
def keep(old):
    disk[:] = old.disk
"""
EDIT = (
    "sed -i 's/= disk.offset : offset + count./&.upper()/' edited.py;"
    ' until [ "$(nbdcopy "$uri" - | head -c 5)" = HELLO ]; do sleep 0.1; done; echo changed;'
)


@pytest.fixture
def edited(epy, tmp_path):
    """The plugin, built so that it follows its script, edited.py."""
    script = Path(__file__).with_name("check.py").read_text()
    (tmp_path / "edited.py").write_text(script + KEEP)
    epy("build", "--reload", "edited.py")


def test_clients_see_an_edited_script_without_a_restart(edited, run_host, tmp_path):
    result = run_host("nbdkit", "-U", "-", "./edited.so", "text=hello", "--run", EDIT)
    assert result.stdout == "changed\n"
    # By the server, and by the process that waits for the command.
    assert set(result.stderr.splitlines()) == {f"epy: {tmp_path}/edited.so: reloaded"}


def test_in_the_background_too(edited, run_host, tmp_path):
    """Where the process that started Python is gone, and its threads."""
    run_host("nbdkit", "-P", "pid", "-U", "socket", "./edited.so", "text=hello")
    file = tmp_path / "pid"
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    command = f"uri='nbd+unix:///?socket=socket'; {EDIT} kill {file.read_text().strip()}"
    assert run_host("sh", "-c", command).stdout == "changed\n"


def test_a_broken_script_does_not_disturb_clients(edited, run_host, tmp_path):
    command = (
        "cp edited.py whole.py; echo 1/0 >>edited.py;"
        " until grep -q ZeroDivisionError errors; do sleep 0.1; done;"
        ' nbdcopy "$uri" - | head -c 5; cp whole.py edited.py;' + EDIT
    )
    (tmp_path / "run.sh").write_text(command)
    program = 'exec nbdkit -U - ./edited.so text=hello --run "uri=\\$uri sh ./run.sh" 2>errors'
    assert run_host("sh", "-c", program).stdout == "hellochanged\n"
    errors = (tmp_path / "errors").read_text()
    assert "not reloaded, the old code stays: its script failed" in errors
