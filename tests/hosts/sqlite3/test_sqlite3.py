"""sqlite3 loads an extension; SQL calls the function that it registers."""


def test_sql_calls_the_function(run_host):
    result = run_host("sqlite3", ":memory:", ".load ./check", "select add1(41)")
    assert result.stdout == "42\n"
    assert result.stderr == ""


def test_one_query_calls_it_for_every_row(run_host):
    query = "select sum(add1(value)), min(add1(value)) from generate_series(-500, 500)"
    assert run_host("sqlite3", ":memory:", ".load ./check", query).stdout == "1001|-499\n"


def test_two_connections_of_a_process_load_it(run_host):
    commands = [
        *(".load ./check", ".connection 1", ".open :memory:", ".load ./check"),
        *("select add1(1)", ".connection close 0", "select add1(2)"),
    ]
    assert run_host("sqlite3", ":memory:", *commands).stdout == "2\n3\n"
