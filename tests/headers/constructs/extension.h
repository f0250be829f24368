__extension__ typedef long long ll;
struct s { __extension__ union { ll a; char b; }; };
