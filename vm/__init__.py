"""Places: the computers that an agent can work on."""
