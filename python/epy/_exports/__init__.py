"""What is exported beside functions: data, constants, bindings for the process's Python."""
