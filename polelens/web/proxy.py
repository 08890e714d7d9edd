"""Signing in at a reverse proxy, which says in headers who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.requests import Request
from starlette.responses import Response

from polelens.web.doors import Admission
from polelens.web.security import refusal
from polelens.web.who import Person

Networks = Sequence[IPv4Network | IPv6Network]


@dataclass(frozen=True, slots=True)
class Proxy:
    """Believes what some addresses say of who asks, and lets in nobody who comes from elsewhere.

    The address is that of the connection itself: no header can change it (`serve` has uvicorn read none).
    """

    admission: Admission
    networks: Networks
    name_header: str
    groups_header: str

    async def let_in(self, request: Request) -> Person | Response:
        """Whom the proxy names."""
        if not self._trusted(request):
            return refusal(request, 403, "these pages are asked through their proxy, where people sign in")
        names, groups = (
            [_text(value) for value in request.headers.getlist(one)] for one in (self.name_header, self.groups_header)
        )
        if len(names) > 1 or len(groups) > 1:  # one may be the sender's own, which the proxy has let through
            return refusal(request, 400, f"{self.name_header} or {self.groups_header} was sent twice")
        if not names or not names[0].strip():
            return refusal(request, 401, f"the proxy does not say who asks: {self.name_header} is missing")
        given = [one.strip() for one in ",".join(groups).split(",")]
        return self.admission.of(request, names[0].strip(), [one for one in given if one])

    def _trusted(self, request: Request) -> bool:
        try:
            address = ip_address(request.client.host if request.client else "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


def _text(given: str) -> str:
    """What a header says: in UTF-8, as proxies write names, or in Latin-1, as it was read, where it is none."""
    try:
        return given.encode("latin-1").decode()
    except UnicodeDecodeError:
        return given


def networks(given: str) -> Networks:
    """Addresses and networks with commas, as 10.0.0.7 and 10.0.0.0/8. Raises ValueError."""
    return [ip_network(one.strip()) for one in given.split(",") if one.strip()]
