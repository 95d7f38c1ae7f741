"""Answers from the documents that are given again: what is kept, on what it depends, which questions are one."""
