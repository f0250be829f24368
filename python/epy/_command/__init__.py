"""The command line: build, inspect, call, stub."""
