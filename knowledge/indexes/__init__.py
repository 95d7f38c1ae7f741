"""Replicas of the stored chunks that can be searched quickly: by words, by letters and by meaning."""
