struct [[gnu::packed]] s { char a; int b [[gnu::aligned(2)]]; };
