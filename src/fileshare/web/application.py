"""The aiohttp application: templates, routes and what every response carries."""

from collections.abc import Callable

import aiohttp_jinja2
import jinja2
from aiohttp import web

from fileshare.web.assets import Assets
from fileshare.web.health import HEALTH, Health
from fileshare.web.middleware import strict_headers
from fileshare.web.routes import routes


def make_application(assets: Assets, health: Callable[[], Health]) -> web.Application:
    """The application; `health` is asked at each `/healthz`."""
    application = web.Application()
    application[HEALTH] = health
    # A name that a template misspells fails loudly instead of showing nothing.
    aiohttp_jinja2.setup(
        application, loader=jinja2.FileSystemLoader(assets.templates), undefined=jinja2.StrictUndefined
    )
    application.add_routes(routes(assets))
    application.on_response_prepare.append(strict_headers)
    return application
