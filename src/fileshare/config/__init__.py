"""The server's settings: TOML file < environment < flags, into one frozen Config."""

from fileshare.config.loading import InForce, config_of, in_force, load
from fileshare.config.table import SETTINGS, Config, Setting

__all__ = ["SETTINGS", "Config", "InForce", "Setting", "config_of", "in_force", "load"]
