int f(int n, double m[n][n], int a[*], int b[static 4], char *argv[const restrict]);
struct s { int a; };
