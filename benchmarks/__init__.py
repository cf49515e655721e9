"""The benchmark: fileshare and its peers side by side, in interleaved runs on one machine.

It drives the real commands of every peer and must never import fileshare itself.
"""
