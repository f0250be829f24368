"""What is exported beside functions: data, constants."""
