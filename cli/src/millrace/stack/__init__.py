"""The local stack: Kafka, PostgreSQL, Valkey and our services, started and kept by one supervisor."""
