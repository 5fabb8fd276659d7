"""Models that decide what to do next. Each implements `agent.ports.Model`."""
