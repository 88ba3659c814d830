"""Sends requests through a variant: browser, CDN, Supabase; counts what each sends."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.cdn.simulation.addresses import Address, address
from deploy.cdn.simulation.edge import Answer, Asked, Edge, Found
from deploy.cdn.simulation.objects import THERE, Objects
from deploy.cdn.simulation.settings import (
    BROWSER_KEEPS_S,
    RASTERS,
    Settings,
    Variant,
)
from deploy.cdn.simulation.store import Copy, Store
from deploy.cdn.simulation.supabase import Supabase
from deploy.cdn.simulation.tally import OTHER, Outcome, Tally
from deploy.cdn.simulation.traffic import Request, Traffic
from infra.catalog.cdn_modes import WORKER_CACHE

FROM_COPIES = frozenset({Found.HIT, Found.UPDATING, Found.STALE})
READING = frozenset({"GET", "HEAD"})


def run(
    traffic: Traffic,
    objects: Objects,
    settings: Settings,
    variant: Variant,
    seen: Callable[[Request, Asked, Answer], None] | None = None,
) -> Outcome:
    """Send all requests through a variant; tell `seen` of each that a CDN answers."""
    return _Run(traffic, objects, settings, variant, seen).outcome()


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """A request while it is answered, its sizes as the variant has them."""

    request: Request
    asked: Address | None
    path: str
    size: int
    whole: int
    tally: Tally


class _Run:
    """One variant's caches."""

    def __init__(
        self,
        traffic: Traffic,
        objects: Objects,
        settings: Settings,
        variant: Variant,
        seen: Callable[[Request, Asked, Answer], None] | None,
    ) -> None:
        self._traffic, self._objects, self._seen = traffic, objects, seen
        self._settings, self._variant = settings, variant
        upload_s = variant.upload_s
        self._upload_s = settings.upload_s if upload_s is None else upload_s
        self._supabase = Supabase(
            objects, smart=settings.smart, upload_s=self._upload_s
        )
        self._edge = Edge(objects, settings) if variant.has_cdn else None
        self._browsers = Store(idle_s=BROWSER_KEEPS_S)
        self._outcome = Outcome()

    def outcome(self) -> Outcome:
        """Send all of them, and give the counts."""
        for request in self._traffic.requests:
            if request.method in READING:
                self._read(request)
            else:
                self._other(request)
        return self._outcome

    def _tally(self, request: Request, rule: str) -> Tally:
        """Give where a request is counted; what comes before is not."""
        if request.at < self._traffic.counted_from:
            return Tally()
        return self._outcome.rules[rule]

    def _other(self, request: Request) -> None:
        """Count what no cache is for."""
        tally = self._tally(request, OTHER)
        tally.views += 1
        tally.origin_asked += 1
        for name in ("seen", "passed", "origin_uncached"):
            setattr(tally, name, getattr(tally, name) + request.size)

    def _read(self, request: Request) -> None:
        """Answer a request for an object."""
        asked = address(request.target)
        if asked is None:
            self._direct(self._view(request, None))
            return
        view = self._view(request, asked)
        if self._in_browser(view):
            return
        if self._edge is None:
            self._direct(view)
        else:
            self._by_edge(view, asked, self._edge)

    def _view(self, request: Request, asked: Address | None) -> _View:
        rule = asked.rule.name if asked else OTHER
        left = self._variant.left if rule in RASTERS else 1.0
        path = asked.path if asked else request.target.partition("?")[0]
        tally = self._tally(request, rule)
        size = 0 if request.method == "HEAD" else round(request.size * left)
        tally.views += 1
        tally.seen += size
        whole = round(self._objects.size(path) * left)
        return _View(
            request=request,
            asked=asked,
            path=path,
            size=size,
            whole=whole,
            tally=tally,
        )

    # Browsers

    def _has_browser(self, view: _View) -> bool:
        """Tell whether a browser may keep the answer: of views, and whole ones."""
        request = view.request
        is_whole = request.method == "GET" and request.status == 200
        is_browser = self._traffic.are_views and bool(request.viewer)
        return is_browser and is_whole and view.asked is not None

    def _browser_key(self, view: _View) -> str:
        """Give the name of a browser's copy: the Worker redirects to one spelling."""
        target = view.request.target
        if view.asked and self._edge and self._settings.mode == WORKER_CACHE:
            target = view.asked.key
        return f"{view.request.viewer} {target}"

    def _in_browser(self, view: _View) -> bool:
        """Answer a view from the browser's cache, if it may without asking."""
        if not view.asked or not self._has_browser(view):
            return False
        request, tally = view.request, view.tally
        copy = self._browsers.get(self._browser_key(view), request.at)
        rule = view.asked.rule
        ttl_s = rule.browser_ttl_s if self._edge else self._upload_s
        if copy is None or request.at - copy.filled_at >= ttl_s:
            return False
        tally.quiet += 1
        tally.browser += view.size
        self._note_age(view, copy.version)
        return True

    def _unchanged(self, view: _View, version: int) -> bool:
        """Keep an answer in the browser; tell whether it had this one, and gets 304."""
        if not self._has_browser(view):
            return False
        key, at = self._browser_key(view), view.request.at
        copy = self._browsers.get(key, at)
        new = Copy(filled_at=at, used_at=at, size=0, version=version)
        self._browsers.put(key, new)
        return copy is not None and copy.version == version

    def _note_age(self, view: _View, version: int) -> None:
        """Count a view of what had been overwritten."""
        if version < self._objects.version(view.path, view.request.at):
            view.tally.outdated += 1

    # Without the CDN

    def _direct(self, view: _View) -> None:
        """Have Supabase answer the viewer."""
        request, tally = view.request, view.tally
        is_there = request.status in THERE
        sent = self._supabase.send(
            request.target, view.path, request.at, request.place, is_there=is_there
        )
        tally.origin_asked += 1
        self._note_age(view, sent.version)
        if self._unchanged(view, sent.version):
            tally.browser += view.size
            return
        tally.passed += view.size
        self._bill(tally, view.size, is_cached=sent.is_cached)

    @staticmethod
    def _bill(tally: Tally, size: int, *, is_cached: bool) -> None:
        """Count what Supabase sent."""
        if is_cached:
            tally.origin_cached += size
        else:
            tally.origin_uncached += size

    # With it

    def _by_edge(self, view: _View, asked: Address, edge: Edge) -> None:
        """Have the CDN answer the viewer."""
        request, tally = view.request, view.tally
        if self._settings.mode == WORKER_CACHE and not asked.is_canonical:
            tally.redirects += 1
        key = edge.key(asked, request.target)

        arrived = Asked(
            image=asked,
            key=key,
            at=request.at,
            place=request.place,
            status=request.status,
        )
        answer = edge.answer(arrived, lambda place: self._fill(view, key, place))
        if self._seen:
            self._seen(request, arrived, answer)
        tally.asked += 1
        tally.hits += answer.found in FROM_COPIES
        if answer.found is not Found.REFUSED:
            self._note_age(view, answer.version)
        if self._unchanged(view, answer.version):
            tally.browser += view.size
        elif answer.found in FROM_COPIES:
            tally.edge += view.size
        else:
            tally.passed += view.size

    def _fill(self, view: _View, key: str, place: str) -> int:
        """Have the CDN ask Supabase; give the version of the object that it gets."""
        request = view.request
        is_there = request.status in THERE
        sent = self._supabase.send(key, view.path, request.at, place, is_there=is_there)
        view.tally.origin_asked += 1
        # Always the whole object, whatever part of it was asked for.
        size = view.whole if is_there else view.size
        self._bill(view.tally, size, is_cached=sent.is_cached)
        return sent.version
