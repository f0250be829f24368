"""What a running plugin needs now and then: signals, waits, environments, resources."""
