struct s { char a; __int128 b; };
