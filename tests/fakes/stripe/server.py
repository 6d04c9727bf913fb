"""The fake as a test holds it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self

from tests.fakes.stripe import courier, cycle, usage
from tests.fakes.stripe.api import Api, Recorded
from tests.fakes.stripe.faults import Fault, Faults
from tests.fakes.stripe.resources import checkout
from tests.fakes.stripe.state import Json, State
from tests.fakes.stripe.wire import Listener

POLL_SECONDS = 0.01


class StripeServer:
    """A Stripe of our own on loopback: `with StripeServer() as server: StripeClient(..., {"api": server.url})`.

    `violations` are the requests that Stripe's own types forbid; `assert_clean()` fails the test on them. `requests`
    is the log of all. Times are Unix seconds of a clock that only `advance` moves.
    """

    def __init__(self, port: int = 0, *, now: int | None = None) -> None:
        self.state = State(int(time.time()) if now is None else now)
        self._faults = Faults()
        self._api = Api(self.state, self._faults)
        self._courier = courier.Courier(self.state)
        self._closed = threading.Event()
        self._listener = Listener(port, self._api)
        self.url = self.state.url = f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, args=(POLL_SECONDS,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._faults.release_all()
        self._listener.shutdown()
        self._listener.server_close()

    @property
    def violations(self) -> list[str]:
        return self._api.violations

    @property
    def ignored(self) -> list[str]:
        """Parameters that Stripe knows but this fake does nothing with; not an error, but nothing is shown by them."""
        return self._api.ignored

    @property
    def requests(self) -> list[Recorded]:
        return self._api.requests

    @property
    def events(self) -> list[Json]:
        return self.state.events

    @property
    def thin_events(self) -> list[Json]:
        """The events of v2, for example reports of meter events that could not be counted."""
        return self.state.thin_events

    def assert_clean(self) -> None:
        """Fails unless every request so far was one that Stripe would understand."""
        assert not self.violations, "\n".join(["requests that Stripe does not know:", *self.violations])

    def fault(self, path_pattern: str, kind: str, times: int = 1) -> Fault:
        """Makes the next `times` requests to the path (`*` stands for anything) go wrong."""
        return self._faults.add(path_pattern, kind, times)

    def heal(self) -> None:
        """Takes back the faults that nobody has met yet."""
        self._faults.clear()

    def pay(self, session_id: str, card: str = "pm_card_visa") -> Json:
        """Does what a person does on the page of a checkout session; gives the session as it is then."""
        with self.state.lock:
            session = self.state.objects["checkout.session"][session_id]
            self.state.trigger = replace(self.state.trigger, id="", key=None, livemode=session["livemode"])
            return checkout.complete(self.state, session_id, card)

    def delivery(
        self, event: Json, secrets: Sequence[str], thin: bool = False, at: int | None = None, tampered: bool = False
    ) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a webhook, signed with every secret at `at` (Unix seconds, default real time)."""
        return courier.signed(self.state, event, secrets, thin=thin, at=at, tampered=tampered)

    def webhook(self, url: str, secret: str, events: Sequence[str] = ("*",), thin: bool = False) -> None:
        """Registers an address with a secret of one's own, which the API does not allow."""
        self._courier.extra.append(courier.Destination(url + secret, url, secret, list(events), thin))

    def deliver_webhooks(
        self, *, copies: int = 1, reverse: bool = False, tampered: bool = False, at: int | None = None
    ) -> list[courier.Delivery]:
        """Posts the events that have not been received yet, to all registered addresses."""
        return self._courier.deliver(copies=copies, reverse=reverse, tampered=tampered, at=at)

    def follow_real_time(self, every: float = 0.2) -> None:
        """Runs until the server is closed: the clock goes with the real one, webhooks are posted by themselves."""
        ahead = self.state.now - time.time()
        while not self._closed.wait(every):
            self.advance(max(self.state.now, int(time.time() + ahead)))
            self._courier.deliver_due()

    def now(self) -> int:
        """Unix seconds."""
        return self.state.now

    def advance(self, to: int | datetime) -> None:
        """Moves the clock forward and does what falls due: renewals, finalisation, retries."""
        with self.state.lock:
            cycle.advance(self.state, int(to.timestamp()) if isinstance(to, datetime) else to)

    def aggregate(self) -> None:
        """Counts all meter events that wait; what can not be counted is reported by thin events."""
        with self.state.lock:
            usage.aggregate(self.state)
