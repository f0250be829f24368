"""What a header is to a script beyond its names and functions: tags, enums, fields, variables."""
