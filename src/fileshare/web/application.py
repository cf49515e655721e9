"""The aiohttp application: templates, routes, middlewares and what every response carries."""

from collections.abc import Callable

from aiohttp import web

from fileshare.web import rendering
from fileshare.web.admission import refuse_malformed
from fileshare.web.assets import Assets
from fileshare.web.basic import BASIC, BasicMemory
from fileshare.web.bodies import go_ahead, hold_back
from fileshare.web.csrf import refuse_forged
from fileshare.web.failures import failures
from fileshare.web.guards import guarded, insist_on_own_password
from fileshare.web.health import HEALTH, Health
from fileshare.web.identity import identify
from fileshare.web.keys import SERVICES, WebServices
from fileshare.web.middleware import strict_headers
from fileshare.web.request_log import note_requests
from fileshare.web.routes import TABLE
from fileshare.web.running import RUNNING, Running
from fileshare.web.static import STATIC, Static
from fileshare.web.storage_box import watch_disk
from fileshare.web.tus import setup as tus

MIDDLEWARES = (
    note_requests,
    failures,
    refuse_malformed,
    identify,
    refuse_forged,
    insist_on_own_password,
    watch_disk,
)
"""The first is outermost: what the others refuse becomes an answer, and nobody acts before all agree."""


def make_application(assets: Assets, health: Callable[[], Health], services: WebServices) -> web.Application:
    """The application; `health` is asked at each `/healthz`."""
    application = web.Application(middlewares=MIDDLEWARES)
    application[HEALTH] = health
    application[SERVICES] = services
    application[BASIC] = BasicMemory(services.accounts)
    application[RUNNING] = Running(services.accounts)
    application[STATIC] = Static(assets)
    tus.set_up(application)
    rendering.set_up(application, assets)
    for row in TABLE:
        waits = hold_back if row.streams else go_ahead
        application.router.add_route(row.method, row.path, guarded(row), expect_handler=waits)
        if row.method == "GET":
            application.router.add_route("HEAD", row.path, guarded(row), expect_handler=waits)
    application.on_response_prepare.append(strict_headers)
    return application
