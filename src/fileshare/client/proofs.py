"""Store content that the server has already, by proof instead of by bytes.

Asked only where the digest is known without a pass over the file. The server's answer
commits nothing: whatever goes wrong here, the bytes are sent as if nobody had asked.
"""

import hashlib
import time

from msgspec import UNSET

from fileshare.client.conversation import Conversation
from fileshare.client.line import Line
from fileshare.client.reports import Outcome, Reporter
from fileshare.client.sources import FileSource
from fileshare.client.uploads import Sending
from fileshare.errors import FileshareError
from fileshare.wire import messages as m

WORTH = 1 << 20
"""Bytes: less is sent sooner than asked about."""


def prove(
    line: Line, reporter: Reporter, sending: Sending, source: FileSource, digest: str
) -> Outcome | None:
    """The stored file, or None where the server wants the bytes."""
    began = time.monotonic()
    try:
        stored = _ask(line.conversation(), reporter, sending, source, digest)
    except FileshareError:
        line.drop()
        return None
    if stored is None:
        return None
    return Outcome(
        path=stored.path,
        local=sending.item.local,
        size=stored.size,
        digest=stored.digest.lower(),
        version=stored.version,
        seconds=time.monotonic() - began,
    )


def _ask(
    conversation: Conversation, reporter: Reporter, sending: Sending, source: FileSource, digest: str
) -> m.Stored | None:
    done = 0
    challenge = conversation.ask(m.Have(digest=digest, size=source.size), m.Challenge)
    if challenge.nonce is UNSET:
        return None
    # Hashed with the nonce alone: whether the content is the one of that digest, the server tells.
    proof = hashlib.sha256(bytes.fromhex(str(challenge.nonce)))
    for piece in source.pieces():
        proof.update(piece)
        done += len(piece)
        reporter.hashed(sending.item, done, source.size)
    request = m.Prove(
        upload_id=sending.upload_id,
        path=sending.item.path,
        digest=digest,
        size=source.size,
        proof=proof.hexdigest(),
        on_conflict=sending.on_conflict,
        modified=UNSET if sending.modified is None else sending.modified,
    )
    return conversation.ask(request, m.Stored)
