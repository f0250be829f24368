// A library that calls a function of its own by name.
__attribute__((visibility("default"))) int inner(void) { return 1; }

__attribute__((visibility("default"))) int outer(void) { return inner() + 1; }
