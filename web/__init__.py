"""What people see: citizens, clerks, staff, open data."""
