#if defined(__GNUC__) && defined(__has_attribute) && __has_attribute(nonnull)
struct s { int a; };
#else
struct s { long a; };
#endif
