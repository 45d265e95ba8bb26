"""The errors a user can meet, as one tree.

```
OpenBezoarError
├── ConfigError (ValueError)    the recipe or a setting is wrong
├── DataError (ValueError)      a file or a row is not what it claims to be
├── ParseError (ValueError)     a reply cannot be used: the row fails, with a reason that is counted
├── ModelError (RuntimeError)   a server or checkpoint cannot answer: the stage stops, resumably
├── BudgetReached (RuntimeError) a budget of tokens or money is used up: exit code 3
├── StoreError (RuntimeError)   the store is locked, corrupt or cannot be written
├── PublishError (RuntimeError) an artifact must not be published, or the hub does not take it
└── MissingExtra (ImportError)  names the extra, with the install line
```

Every message says what, where and the fix. All of them survive pickling.
"""

__all__ = [
    "BudgetReached",
    "ConfigError",
    "DataError",
    "MissingExtra",
    "ModelError",
    "OpenBezoarError",
    "ParseError",
    "PublishError",
    "StoreError",
]

LONGEST_DETAIL = 300


class OpenBezoarError(Exception):
    """Something the user can understand and mend; printed as one line, exit code 1 or 3."""


class ConfigError(OpenBezoarError, ValueError):
    """The recipe or a setting is wrong."""


class DataError(OpenBezoarError, ValueError):
    """A file or a row is not what it claims to be."""


class ParseError(OpenBezoarError, ValueError):
    """A reply cannot be used; the first argument is a short reason that is counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason

    @property
    def in_short(self) -> str:
        """The detail in one line of bounded length."""
        return " ".join(self.detail.split())[:LONGEST_DETAIL]


class ModelError(OpenBezoarError, RuntimeError):
    """A server or checkpoint cannot answer."""


class BudgetReached(OpenBezoarError, RuntimeError):
    """A budget of tokens or money is used up; what was answered is kept."""


class StoreError(OpenBezoarError, RuntimeError):
    """The store is locked, corrupt or cannot be written."""


class PublishError(OpenBezoarError, RuntimeError):
    """An artifact must not be published, or the hub does not take it."""


class MissingExtra(OpenBezoarError, ImportError):
    """An optional dependency is not installed."""
