"""The peers, one file each; a further one is added by its file alone."""

import importlib
import pkgutil

from benchmarks.peer import Peer


def known() -> dict[str, type[Peer]]:
    """Return every peer by its name, fileshare first."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    classes = sorted(Peer.__subclasses__(), key=lambda peer: (peer.name != "fileshare", peer.name))
    return {peer.name: peer for peer in classes if peer.__module__.startswith(f"{__name__}.")}
