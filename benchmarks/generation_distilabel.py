"""The work of generation.py through distilabel, in distilabel's own environment."""

import importlib.metadata
import json
import resource
import sys
import time

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def main() -> None:
    """Ask as often and as many at a time as the command line says; print the cost."""
    address, requests, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rows = [
        {"instruction": f"What should one know about subject number {number}, and why?"}
        for number in range(requests)
    ]
    with Pipeline(name="generation") as pipeline:
        load = LoadDataFromDicts(data=rows, batch_size=in_flight)
        llm = OpenAILLM(model="m", base_url=address, api_key="none")
        load >> TextGeneration(llm=llm, input_batch_size=in_flight)
    cpu, clock = processor_seconds(), time.monotonic()
    made = pipeline.run(use_cache=False)
    cpu, seconds = processor_seconds() - cpu, time.monotonic() - clock
    answers = made["default"]["train"]["generation"]
    assert sum(answer is not None for answer in answers) == requests
    version = importlib.metadata.version("distilabel")
    print(json.dumps({"version": version, "seconds": round(seconds, 3), "cpu": round(cpu, 3)}))


def processor_seconds() -> float:
    """Of this process and of those it started that have ended: each step is a process."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
