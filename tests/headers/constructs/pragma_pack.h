#pragma pack(push, 4)
struct s { unsigned long a; int b; unsigned long c; };
#pragma pack(pop)
