"""What every Millrace service shares."""
