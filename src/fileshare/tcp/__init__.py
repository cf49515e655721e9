"""The TCP door: listen, pump bytes, one service call per message."""
