"""Which way a turn takes."""
