"""Which coroutine answers which message: the table of this door."""

from typing import Any, cast

from fileshare.tcp import transfers, version1, version2
from fileshare.tcp.session import Handlers
from fileshare.wire import messages as m

_TABLE: dict[type[m.Request], Any] = {
    m.Auth: version1.auth,
    m.ListFiles: version1.list_files,
    m.UploadFile: version1.upload,
    m.ResumeUpload: version1.resume,
    m.DownloadFile: version1.download,
    m.DownloadConfirm: version1.download_confirm,
    m.Hello: version2.hello,
    m.Login: version2.login,
    m.Logout: version2.logout,
    m.WhoAmI: version2.who_am_i,
    m.List: version2.list_page,
    m.Stat: version2.stat,
    m.Versions: version2.versions,
    m.Restore: version2.restore,
    m.Delete: version2.delete,
    m.Move: version2.move,
    m.MakeFolder: version2.make_folder,
    m.Uploads: version2.uploads,
    m.Receipts: version2.receipts,
    m.Abort: version2.abort,
    m.Upload: transfers.upload,
    m.Resume: transfers.resume,
    m.Append: transfers.append,
    m.Put: transfers.put,
    m.Have: transfers.have,
    m.Prove: transfers.prove,
    m.Get: transfers.get,
    m.Download: transfers.download,
}

HANDLERS = cast(Handlers, _TABLE)
"""Every request of `wire.messages` has a row; a test holds it to that."""
