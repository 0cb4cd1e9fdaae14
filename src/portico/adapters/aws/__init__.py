"""What needs AWS's own library: the standard credential chain."""
