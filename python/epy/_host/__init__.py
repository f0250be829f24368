"""The host's memory, functions and pointers as a script uses them."""
