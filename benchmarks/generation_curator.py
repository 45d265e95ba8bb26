"""The work of generation.py through bespokelabs-curator, in its own environment."""

import importlib.metadata
import json
import os
import resource
import sys
import tempfile
import time

os.environ["CURATOR_DISABLE_CACHE"] = "true"
os.environ["CURATOR_VIEWER"] = "0"
os.environ["TELEMETRY_ENABLED"] = "false"
os.environ["OPENAI_API_KEY"] = "none"


def main() -> None:
    """Ask as often and as many at a time as the command line says; print the cost."""
    address, requests, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ["CURATOR_CACHE_DIR"] = tempfile.mkdtemp()
    from bespokelabs import curator

    limits = {
        "base_url": address,
        "max_concurrent_requests": in_flight,
        "max_requests_per_minute": 10**7,
        "max_tokens_per_minute": 10**10,
    }
    llm = curator.LLM(model_name="openai/m", backend="litellm", backend_params=limits)
    rows = [
        f"What should one know about subject number {number}, and why does it matter at all?"
        for number in range(requests)
    ]
    cpu, clock = processor_seconds(), time.monotonic()
    made = llm(rows)
    cpu, seconds = processor_seconds() - cpu, time.monotonic() - clock
    answers = getattr(made, "dataset", made)
    assert len(answers) == requests
    version = importlib.metadata.version("bespokelabs-curator")
    print(json.dumps({"version": version, "seconds": round(seconds, 3), "cpu": round(cpu, 3)}))


def processor_seconds() -> float:
    """Of this process and of those it started that have ended."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
