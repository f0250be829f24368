#ifdef __SSE2__
#define HAS_SSE2 1
#else
#define HAS_SSE2 0
#endif
#if __SIZEOF_POINTER__ == 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
struct s { long a; };
#endif
