"""The client of the Model Context Protocol: servers that the user has configured, and nobody else."""
