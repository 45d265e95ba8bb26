"""A server that is asked over the network: its address, whose key it takes, how hard it is run."""

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from openbezoar.families import ChatModel, ModelSpec
from openbezoar.models.batches import Batching
from openbezoar.models.keys import is_loopback, key_for
from openbezoar.models.limits import Limits

__all__ = ["Endpoint", "Served"]


class Endpoint(Limits, Batching):
    """Where the server is and how hard to press it."""

    base_url: str = "https://api.openai.com/v1"
    """The address, up to and including the version: `http://127.0.0.1:8000/v1`."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_API_KEY"
    """The name of the environment variable that holds the key; never the key itself."""
    timeout: float = Field(600.0, gt=0)
    """Seconds to wait for one answer."""
    concurrency: int = Field(16, ge=1)
    """Requests in flight at a time; fewer while the server says that it is busy."""

    @property
    def in_flight(self) -> int:
        """The concurrency; a whole batch where requests are gathered."""
        return self.batch_size if self.batch else self.concurrency

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        address = urlsplit(value)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("must be an address such as http://127.0.0.1:8000/v1")
        if address.username or address.password or address.query:
            raise ValueError("must not carry credentials; name a variable with `api_key_env`")
        return value


class Served(ModelSpec):
    """A model behind a server that takes a key and may bill."""

    bills: ClassVar[bool] = True

    model: str
    """The model's name on the server."""
    runtime: Endpoint = Endpoint()

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model

    @property
    def travels(self) -> bool:
        """Batches are gathered in one place, and an address on this machine means this machine."""
        return not self.runtime.batch and not is_loopback(self.runtime.base_url)

    def sends_key(self) -> tuple[str, str]:
        """The key goes to the server."""
        return self.runtime.api_key_env, self.runtime.base_url

    def check_ready(self) -> None:
        """The key must be in the environment."""
        self.key()

    def key(self) -> str:
        """The key; ConfigError when the environment does not hold it."""
        return key_for(self.runtime.base_url, self.runtime.api_key_env)

    def connect(self) -> AbstractAsyncContextManager[ChatModel]:
        """Find the key and open a client; nothing is asked yet."""
        return self.connect_in(None)

    @abstractmethod
    def connect_in(self, folder: Path | None) -> AbstractAsyncContextManager[ChatModel]:
        """Open a client, one that remembers its batches in the folder if it sends any."""
