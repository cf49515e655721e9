"""Who may say what, when: the conversation as tables, and nothing else changes its state.

`ALLOWED` names the requests of a state, `ANSWERS` the replies of each request with the
state that follows. `FINALS` are the replies that close a body. Version 1 and 2 share
the tables and no state but FRESH; a message outside them is a ProtocolError or, before
the login, answered by AUTH_REQUIRED.
"""

from enum import Enum, auto

from fileshare.wire import messages as m


class State(Enum):
    """Where a conversation stands."""

    FRESH = auto()
    """Nothing was said."""
    OUTSIDE1 = auto()
    """Version 1, not logged in."""
    IDLE1 = auto()
    BODY1 = auto()
    """Raw bytes come towards the server."""
    FLOW1 = auto()
    """Raw bytes go to the client."""
    OUTSIDE2 = auto()
    IDLE2 = auto()
    BODY2 = auto()
    """Segments of an upload come towards the server."""
    PUT2 = auto()
    """Segments of a PUT's files come towards the server."""
    DRAIN2 = auto()
    """The server has refused the rest of a body; segments are thrown away up to END or ABORT."""
    FLOW2 = auto()
    """Segments of a download, or of GET's files, go to the client."""
    CLOSED = auto()


OUTSIDE = frozenset({State.FRESH, State.OUTSIDE1, State.OUTSIDE2})
"""Where nobody has logged in: the smaller frame limit holds."""

SEGMENTED = frozenset({State.BODY2, State.PUT2, State.DRAIN2})
"""Where the server takes a body in segments."""

SPEAKING = frozenset({State.FLOW1, State.FLOW2, State.CLOSED})
"""Where the server reads nothing."""

_VERSION1: frozenset[type[m.Request]] = frozenset(
    {m.Auth, m.UploadFile, m.DownloadFile, m.DownloadConfirm, m.ListFiles, m.ResumeUpload}
)
_VERSION2: frozenset[type[m.Request]] = frozenset(
    {
        m.Login, m.Logout, m.WhoAmI, m.List, m.Stat, m.Versions, m.Restore, m.Delete, m.Move,
        m.MakeFolder, m.Uploads, m.Receipts, m.Abort, m.Upload, m.Resume, m.Put, m.Have, m.Prove, m.Get,
        m.Download, m.Append,
    }
)  # fmt: skip

ALLOWED: dict[State, frozenset[type[m.Request]]] = {
    State.FRESH: _VERSION1 - {m.DownloadConfirm} | {m.Hello},
    State.OUTSIDE1: _VERSION1 - {m.DownloadConfirm},
    State.IDLE1: _VERSION1,
    State.OUTSIDE2: _VERSION2,
    State.IDLE2: _VERSION2,
}

LOGINS: frozenset[type[m.Request]] = frozenset({m.Auth, m.Hello, m.Login})
"""What may be asked without a login; everything else gets AUTH_REQUIRED there."""

SILENT: frozenset[type[m.Request]] = frozenset({m.DownloadConfirm, m.Put})
"""What is not answered at once: PUT's results come by themselves, DOWNLOAD_CONFIRM gets nothing."""

_Answers = dict[type[m.Reply], State]

_STAY1: _Answers = {m.Error: State.IDLE1, m.FileNotFound: State.IDLE1}
_STAY2: _Answers = {m.Error: State.IDLE2, m.FileNotFound: State.IDLE2}

ANSWERS: dict[type[m.Request], _Answers] = {
    m.Auth: {m.AuthSuccess: State.IDLE1, m.AuthFailed: State.OUTSIDE1, m.Error: State.OUTSIDE1},
    m.UploadFile: {m.UploadReady: State.BODY1, **_STAY1},
    m.ResumeUpload: {m.ResumeReady: State.BODY1, **_STAY1},
    m.DownloadFile: {m.DownloadReady: State.FLOW1, **_STAY1},
    m.ListFiles: {m.FileList: State.IDLE1, **_STAY1},
    m.Hello: {m.Welcome: State.OUTSIDE2, m.Error: State.CLOSED},
    m.Login: {m.AuthSuccess: State.IDLE2, m.AuthFailed: State.OUTSIDE2, m.Error: State.OUTSIDE2},
    m.Logout: {m.Done: State.OUTSIDE2, **_STAY2},
    m.WhoAmI: {m.Identity: State.IDLE2, **_STAY2},
    m.List: {m.EntryPage: State.IDLE2, **_STAY2},
    m.Stat: {m.EntryInfo: State.IDLE2, **_STAY2},
    m.Versions: {m.VersionList: State.IDLE2, **_STAY2},
    m.Restore: {m.EntryInfo: State.IDLE2, **_STAY2},
    m.Delete: {m.Done: State.IDLE2, **_STAY2},
    m.Move: {m.EntryInfo: State.IDLE2, **_STAY2},
    m.MakeFolder: {m.EntryInfo: State.IDLE2, **_STAY2},
    m.Uploads: {m.UploadList: State.IDLE2, **_STAY2},
    m.Receipts: {m.ReceiptList: State.IDLE2, **_STAY2},
    m.Abort: {m.Done: State.IDLE2, **_STAY2},
    m.Upload: {m.Ready: State.BODY2, m.Stored: State.IDLE2, **_STAY2},
    m.Resume: {m.Ready: State.BODY2, m.Stored: State.IDLE2, **_STAY2},
    m.Append: {m.Appended: State.IDLE2, **_STAY2},
    m.Have: {m.Challenge: State.IDLE2, **_STAY2},
    m.Prove: {m.Stored: State.IDLE2, m.ChecksumFailed: State.IDLE2, **_STAY2},
    m.Get: {m.GetBegin: State.FLOW2, **_STAY2},
    m.Download: {m.DownloadBegin: State.FLOW2, **_STAY2},
}

FINALS: dict[State, _Answers] = {
    State.BODY1: {m.UploadDone: State.IDLE1, m.ChecksumFailed: State.IDLE1, m.Error: State.IDLE1},
    State.BODY2: {
        m.Stored: State.IDLE2, m.ChecksumFailed: State.IDLE2, m.Done: State.IDLE2, m.Error: State.IDLE2,
    },
}  # fmt: skip

LAST_WORDS: _Answers = {m.Error: State.CLOSED, m.AuthRequired: State.CLOSED}
"""What the server may say without a request to answer, before it closes."""

UNASKED: dict[type[m.Reply], frozenset[State]] = {
    m.Checkpoint: frozenset({State.BODY2}),
    # CLOSED: what was stored before the server's last word is still told behind it.
    m.Results: frozenset({State.IDLE2, State.BODY2, State.PUT2, State.DRAIN2, State.CLOSED}),
}
"""Replies that come by themselves, and where."""


def request_types(state: State) -> dict[str, type[m.Request]]:
    """The requests of a state by their command."""
    return {request.command: request for request in ALLOWED.get(state, frozenset())}


COMMANDS: dict[State, dict[str, type[m.Request]]] = {state: request_types(state) for state in ALLOWED}


def known_commands(state: State) -> str:
    """The commands of a state, for a sentence."""
    return ", ".join(sorted(COMMANDS.get(state, {})))


def reply_types(request: type[m.Request]) -> dict[str, type[m.Reply]]:
    """The replies a request may get, by status, AUTH_REQUIRED included."""
    found: dict[str, type[m.Reply]] = {reply.status: reply for reply in ANSWERS[request]}
    found.setdefault(m.AuthRequired.status, m.AuthRequired)
    return found
