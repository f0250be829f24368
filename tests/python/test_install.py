"""`pip install .` gives a working epy in a fresh virtual environment."""

import sys
import sysconfig
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_pip_install(run, tmp_path):
    clean = {"PYTHONPATH": None}
    pip = ("-m", "pip", "--disable-pip-version-check")
    run(
        *(sys.executable, *pip, "wheel", "--no-build-isolation", "--no-deps"),
        *(f"--config-settings=build-dir={tmp_path}/build", "--wheel-dir", tmp_path, PROJECT),
        env=clean,
    )
    (wheel,) = tmp_path.glob("epy-*.whl")

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(python, *pip, "install", "--no-index", "--no-deps", wheel, env=clean)
    # What epy depends on comes from the test environment: no network is needed.
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    names = {path.name for path in (site / "epy").iterdir()}
    assert {"__init__.py", "py.typed", "_core.pyi", "stub.so", "libepy.so"} <= names
    assert any(name.startswith("_core.cpython-") for name in names)

    (tmp_path / "twice.py").write_text(
        "import epy\n\nhost = epy.header('#include <stdint.h>\\nint32_t twice(int32_t x);')\n"
        "@host.export\ndef twice(x):\n    return 2 * x\n"
    )
    command = tmp_path / "venv/bin/epy"
    run(command, "build", "twice.py", env=clean)
    assert run(command, "call", "./twice.so", "twice", "21", env=clean).stdout == "42\n"
