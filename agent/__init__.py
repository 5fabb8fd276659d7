"""Mind: the loop, its models, the conversation, the journal, and what the user says meanwhile."""
