struct s { char a[__builtin_constant_p(3) + 1]; };
