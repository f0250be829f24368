"""gnuplot imports functions that take and return structs of 24 bytes by value."""


def plot(run_host, program):
    commands = [line.strip() for line in program.strip().splitlines()]
    lines = run_host("gnuplot", "-e", "; ".join(commands)).stderr.splitlines()
    # gnuplot 6 wishes for one, which its older header does not know.
    return [line for line in lines if line and "no version information" not in line]


def test_import_and_call(run_host):
    program = """
        import mean(x, y) from "./check:mean"
        import length(s) from "./check:length"
        print mean(1, 2), mean(3.5, {0, 2}), length("gnuplot")
    """
    assert plot(run_host, program) == ["1.5 {1.75, 1.0} 7"]


def test_plot_with_it(run_host, tmp_path):
    program = """
        import mean(x, y) from "./check:mean"
        set table "table"
        set samples 3
        plot [0:4] mean(x, 10)
    """
    assert plot(run_host, program) == []
    rows = (line.split() for line in (tmp_path / "table").read_text().splitlines())
    points = [tuple(map(float, row[:2])) for row in rows if len(row) == 3 and row[0] != "#"]
    assert points == [(0, 5), (2, 6), (4, 7)]
