"""A plugin's file: ELF, tables, tail, stamp, stored headers; and the script's that goes into it."""
