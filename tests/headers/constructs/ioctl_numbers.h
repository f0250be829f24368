#include <sys/ioctl.h>
#include <linux/types.h>
#define CRIOGET _IOWR('c', 101, __u32)
struct s { char a[CRIOGET >> 30]; };
