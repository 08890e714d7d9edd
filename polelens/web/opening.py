"""Opening: the desk of a process, and its door, from the settings."""

from starlette.types import ASGIApp

from pipeline.pictures import palette
from pipeline.pictures.rendering import Style
from polelens.web.app import application
from polelens.web.below import Below
from polelens.web.control import Control
from polelens.web.desk import Desk
from polelens.web.doors import Admission, Password
from polelens.web.figures import Figures
from polelens.web.openid import OpenID, client
from polelens.web.painter import Painter
from polelens.web.proxy import Proxy, networks
from polelens.web.security import Door, Forms
from polelens.web.settings import WebSettings
from storage.archive import Archive
from storage.blobs import open_blobs
from storage.database import connect, one_core, read_only
from storage.gallery import Gallery
from storage.settings import Settings


def desk(settings: Settings, database_url: str, forms: Forms, *, whom: str, writing: bool) -> Desk:
    """What the pages are made from; what is looked at is read in transactions that cannot write."""
    reading = read_only(connect(database_url))
    gallery = Gallery(Archive(reading, open_blobs(settings.blobs)), Style(palette(settings.palette)))
    control = Control(settings.model_copy(update={"database_url": database_url}))
    figures = Figures(one_core(read_only(connect(database_url))))
    return Desk(reading, figures, Painter(gallery), forms, control, connect(database_url) if writing else None, whom)


def door(settings: WebSettings, password: str) -> Door:
    """How people sign in."""
    admission = Admission(settings.members, settings.whom)
    if settings.sign_in == "proxy":
        return Proxy(admission, networks(settings.proxies), settings.name_header, settings.groups_header)
    return OpenID(client(settings), admission, settings) if settings.sign_in == "openid" else Password(password)


def pages(desk: Desk, door: Door, root: str = "") -> ASGIApp:
    """All pages, below a path if one is given; with cookies where the door needs them."""
    app = application(desk, door)
    whole = door.remembering(app, desk.forms.secret) if isinstance(door, OpenID) else app
    return Below(whole, root) if root else whole
