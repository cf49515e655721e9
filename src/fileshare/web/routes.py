"""Every URL of the web door in one table, with what each needs. A test walks it with every role."""

from fileshare.web import pages, session_pages
from fileshare.web.guards import Open, Row
from fileshare.web.health import healthz
from fileshare.web.static import static_file

TABLE: tuple[Row, ...] = (
    Row("GET", "/", pages.home, Open.EVERYONE),
    Row("GET", "/healthz", healthz, Open.EVERYONE),
    Row("GET", "/static/{fingerprint}/{name:.+}", static_file, Open.EVERYONE),
    # Sessions
    Row("GET", "/login", session_pages.login_page, Open.EVERYONE),
    Row("POST", "/login", session_pages.log_in, Open.EVERYONE),
    Row("GET", "/logout", session_pages.logout_page, Open.MEMBERS),
    Row("POST", "/logout", session_pages.log_out, Open.MEMBERS),
)
"""Top to bottom: the first that matches answers."""
