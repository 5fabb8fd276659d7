"""Images of virtual machines: a recipe of Debian packages, its builder, and the store where images live."""
