"""Requests for tests of the simulation."""

from deploy.cdn.simulation.traffic import Request, Traffic
from infra.catalog.cdn import PUBLIC_PATH

BEGINS = 1_767_571_200.0
PNG = f"{PUBLIC_PATH}generated-images/a.png"
SVG = f"{PUBLIC_PATH}report-images/a.svg"


def request(at: float, target: str = PNG, **given) -> Request:
    """A view of an image, so many seconds after the beginning."""
    values = {
        "method": "GET",
        "status": 200,
        "size": 1_000,
        "viewer": "anna",
        "place": "FRA",
    }
    return Request(at=BEGINS + at, target=target, **values | given)


def traffic(*requests: Request, are_views: bool = True) -> Traffic:
    return Traffic(
        name="test",
        requests=sorted(requests, key=lambda each: each.at),
        counted_from=BEGINS,
        ends=BEGINS + 86_400,
        are_views=are_views,
    )
