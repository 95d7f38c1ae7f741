"""The product's settings for measurements in which a tool leads to a hostile server on this machine."""

from project.settings import *  # noqa: F403 (all of them)

ASKWELL_TEST_TOOL_ADDRESSES = ("127.0.0.1",)
