"""The counted checks of the promise: hundreds of kills and cuts, lost replies, big and many files."""
