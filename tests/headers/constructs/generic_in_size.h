struct s { char a[_Generic(1, int: 3, default: 5)]; };
