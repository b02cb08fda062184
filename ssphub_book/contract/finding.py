"""What a rule finds: where, which rule, what is wrong and how to mend it, in French for the author."""

from __future__ import annotations

from dataclasses import dataclass

# Rules that stop neither the build nor a preview; they are settled before a chapter is published.
ADVICE = frozenset({"a-completer", "nombre-saisi", "orthographe"})


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of the contract; `str()` gives `file:line  rule  message  → remedy`."""

    file: str
    line: int
    rule: str
    message: str
    remedy: str

    @property
    def blocking(self) -> bool:
        """Whether it stops the build; if not, it is an advice."""
        return self.rule not in ADVICE

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.rule}  {self.message}  → {self.remedy}"
