"""Count hits in another store than Postgres, which otherwise counts by itself."""

from collections.abc import Sequence

from functions.chat_send import queries
from functions.chat_send.acceptance import Submission
from functions.chat_send.queries import Found
from functions.shared.database import Database
from functions.shared.limits import Limit, LimitStore, LimitStoreError, Verdict
from functions.shared.limits.limiter import Limiter


class Meter:
    """Counts what requests cost before they are saved, and corrects it after.

    Args:
        store: Redis or memory.
        limit: Of a user's messages.
        database: Knows whose a conversation is, which a call of the app's backend does
            not say.
    """

    def __init__(self, store: LimitStore, limit: Limit, database: Database) -> None:
        self._limiter = Limiter(store, {limit.outage: _InTheStatement()})
        self._limit = limit
        self._database = database

    def reserve(self, submission: Submission) -> None:
        """Count the hits of a request; while the store is away, Postgres counts them.

        A request without room goes on as well: what of it is saved already is found.
        """
        subject = self._subject(submission)
        if subject is None or not submission.cost:
            return
        try:
            verdict = self._limiter.hit(self._limit, subject, submission.cost)
        except LimitStoreError:
            return
        submission.subject, submission.verdict = subject, verdict
        for offer in submission.offers:
            offer.hits_max = None if verdict.is_admitted else 0

    def settle(self, submission: Submission, found: Sequence[Found]) -> None:
        """Give back the hits of what was not saved.

        Args:
            submission: The request.
            found: What became of it; empty if the database did not say.
        """
        subject, verdict = submission.subject, submission.verdict
        if subject is None or verdict is None or not verdict.is_admitted:
            return
        pairs = zip(submission.offers, found, strict=False)
        saved = sum(offer.is_hit and each.is_new for offer, each in pairs)
        rest = submission.cost - min(saved, submission.cost)
        if not rest:
            return
        self._limiter.give_back(self._limit, subject, rest)
        submission.verdict = Verdict(
            is_admitted=True,
            remaining=verdict.remaining + rest,
            reset_s=verdict.reset_s,
        )

    def _subject(self, submission: Submission) -> str | None:
        """Give whose hits they are; ``None`` if the conversation does not exist."""
        user_id = submission.caller.user_id
        if user_id is None:
            user_id = self._database.run(
                lambda connection: queries.owner(connection, submission.chat_id),
                repeatable=True,
            )
        return str(user_id) if user_id else None


class _InTheStatement:
    """Stands for the counter that the database's own statement keeps."""

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Leave it to the statement."""
        raise LimitStoreError("counted in Postgres")

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Do nothing: the statement counts only what it saves."""
