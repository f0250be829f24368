#include_next <stdio.h>
struct s { int a; };
