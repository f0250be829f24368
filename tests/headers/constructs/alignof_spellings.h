struct s { char a[__alignof(double)], b[_Alignof(int)], c[__alignof__(short)]; };
