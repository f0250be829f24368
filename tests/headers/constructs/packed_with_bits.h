typedef struct __attribute__((packed)) { unsigned char a; unsigned b; unsigned char st : 1; unsigned char d; } s;
