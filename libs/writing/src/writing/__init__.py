"""What every writer shares: intake, queue, executor, intents, links, owners, verdicts."""
