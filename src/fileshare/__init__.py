"""fileshare: self-hosted file sharing for files that must not be lost."""

__version__ = "0.1.0"
