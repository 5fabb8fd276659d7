"""The page's server: what it reads, what it tells, and who may ask."""
