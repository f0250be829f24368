// Shared by the pool's code page and the C++ that maps it. Preprocessor only.
#define EPY_POOL_PAGE 4096
