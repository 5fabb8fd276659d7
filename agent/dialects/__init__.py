"""How families of vision models see screens and write actions: data (`*.toml`) and the readers of what they write."""
