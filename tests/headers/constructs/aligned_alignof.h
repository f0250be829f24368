struct s { char c; long long z __attribute__((aligned(__alignof__(long long)))); int w __attribute__((aligned(sizeof(void *) * 2))); };
