"""nbdkit serves a disk from parallel threads, and forks into the background after loading."""

import time
from pathlib import Path


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
