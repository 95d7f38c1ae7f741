"""A conversation in, a stream of typed events out."""
