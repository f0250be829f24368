#pragma pack(push, 1)
struct s { char c; int a __attribute__((aligned(4))); long b; };
#pragma pack(pop)
