"""What the services need of stores: small protocols, each method with its contract.

The services own these shapes; `storage` fills them (disk and SQLite, and a pair in
memory for tests), and one contract suite holds every store to them. Each method of
`Catalog` and `AccountStore` is one unit: all of it happens or nothing, it is durable
when the call returns, and a caller that is cancelled meanwhile neither stops nor
splits it. Times are integer milliseconds, sizes bytes, digests lower-case hex.

Every method may raise `StorageFailed` (the disk reported an error; what was asked
is not done) and `NoSpace`. A write after a commit whose outcome is unknown raises
`Unavailable` until the store has been opened anew.
"""

from fileshare.services.ports.accounts import AccountStore, Login
from fileshare.services.ports.blobs import Blobs, Content, Part, Reserve
from fileshare.services.ports.catalog import Catalog, Finish, Listing, Page, SmallContent, Usage
from fileshare.services.ports.streams import OpenFile, Sink, Source

__all__ = [
    "AccountStore",
    "Blobs",
    "Catalog",
    "Content",
    "Finish",
    "Listing",
    "Login",
    "OpenFile",
    "Page",
    "Part",
    "Reserve",
    "Sink",
    "SmallContent",
    "Source",
    "Usage",
]
