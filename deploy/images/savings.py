"""What making images smaller saves."""

from collections import Counter
from dataclasses import dataclass, field

from functions.compress_image.records import Record


@dataclass(kw_only=True)
class Savings:
    """What became of the images of a run.

    Attributes:
        states: Images by how they ended.
        reasons: Refused ones by the code of the reason.
        before: Bytes of the originals that got smaller.
        after: Bytes of what is served in their place.
        stored: Bytes of all forms that were written.
        rows: Rows whose address was replaced.
    """

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    before: int = 0
    after: int = 0
    stored: int = 0
    rows: int = 0

    def add(self, record: Record, rows: int) -> None:
        """Count an image."""
        self.states[record.state] += 1
        self.rows += rows
        self.stored += sum(form.bytes for form in record.forms)
        if record.state == "refused":
            self.reasons[(record.reason or "").partition(":")[0]] += 1
        best = next((f for f in record.forms if f.path == record.best_path), None)
        if best:
            self.before += record.source_bytes or 0
            self.after += best.bytes

    @property
    def percent(self) -> float:
        """Share of the bytes served that is saved, in percent."""
        return 100 - 100 * self.after / self.before if self.before else 0.0

    def as_json(self) -> dict[str, object]:
        """Give the report."""
        return {
            "images": dict(self.states),
            "refused_for": dict(self.reasons),
            "bytes_before": self.before,
            "bytes_after": self.after,
            "saved_percent": round(self.percent, 1),
            "bytes_stored_beside": self.stored,
            "rows_changed": self.rows,
        }
