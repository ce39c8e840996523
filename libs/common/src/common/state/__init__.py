"""PostgreSQL schedules and remembers: the pool, the migrations, and one repository per table."""
