"""Answer providers behind one protocol: language models over HTTP, the extractive answerer, a double for tests."""
