"""LADSPA hosts read a struct of function pointers and run many instances on their own buffers."""

import wave
from array import array

import pytest


@pytest.fixture
def tone(run_host):
    """`tone("in.wav", 440, ...)`: a tenth of a second at a quarter of the full scale."""

    def tone(name, *frequencies):
        shape = ["-r", "8000", "-b", "16", "-c", str(len(frequencies))]
        synth = [word for frequency in frequencies for word in ("sine", str(frequency))]
        run_host("sox", "-q", "-n", *shape, name, "synth", "0.1", *synth, "vol", "0.25")

    return tone


def channels(path):
    """The samples of a file with 16 bits, by channel."""
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        count = file.getnchannels()
        samples = array("h", file.readframes(file.getnframes()))
    return [samples[channel::count] for channel in range(count)]


def amplitude(samples):
    return max(map(abs, samples)) / 32768


def assert_doubled(before, after):
    assert amplitude(before) == pytest.approx(0.25, abs=0.001)
    assert amplitude(after) == pytest.approx(0.5, abs=0.001)
    assert len(before) == len(after) == 800
    assert all(abs(2 * one - other) <= 2 for one, other in zip(before, after, strict=True))


def test_analyseplugin_shows_the_descriptor(run_host):
    output = run_host("analyseplugin", "./check.so").stdout
    for line in (
        'Plugin Name: "Check gain"',
        'Plugin Label: "check"',
        "Plugin Unique ID: 4242",
        '"Gain" input, control, default 1',
        '"In" input, audio',
        '"Out" output, audio',
    ):
        assert line in output


def test_applyplugin_doubles_the_amplitude(run_host, tone, tmp_path):
    tone("in.wav", 440)
    run_host("applyplugin", "in.wav", "out.wav", "./check.so", "check", "2")
    assert_doubled(*channels(tmp_path / "in.wav"), *channels(tmp_path / "out.wav"))


def test_sox_doubles_the_amplitude(run_host, tone, tmp_path):
    tone("in.wav", 440)
    command = "sox in.wav out.wav ladspa check check 2"
    run_host(*command.split(), env={"LADSPA_PATH": str(tmp_path)})
    assert_doubled(*channels(tmp_path / "in.wav"), *channels(tmp_path / "out.wav"))


def test_sox_runs_an_instance_for_each_channel(run_host, tone, tmp_path):
    tone("in.wav", 440, 700)
    command = "sox in.wav out.wav ladspa -r check check 2"
    run_host(*command.split(), env={"LADSPA_PATH": str(tmp_path)})
    before, after = channels(tmp_path / "in.wav"), channels(tmp_path / "out.wav")
    assert len(before) == len(after) == 2
    assert before[0] != before[1]
    for one, other in zip(before, after, strict=True):
        assert_doubled(one, other)


def test_views_of_the_host_s_buffers(build_plugin, request, run_host, tone, tmp_path):
    build_plugin(request.path.with_name("unchanged.py"))
    tone("in.wav", 440)
    run_host("applyplugin", "in.wav", "out.wav", "./unchanged.so", "copy")
    before, after = (channels(tmp_path / name)[0] for name in ("in.wav", "out.wav"))
    assert amplitude(before) == pytest.approx(0.25, abs=0.001)
    assert all(abs(one - other) <= 1 for one, other in zip(before, after, strict=True))
