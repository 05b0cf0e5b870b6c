"""An agent that others ask over A2A: it asks a smaller model one question, and the answer is streamed."""

from __future__ import annotations

import logging
import os

from openai import OpenAI

from tools.demo.agents import a2a
from tools.demo.agents.telemetry import fields, genai, telemetry

MODEL = "model-small"
log = logging.getLogger("researcher")


def answer(question: str) -> str:
    with genai.invoke_local_agent(agent_name="researcher", request_model=MODEL):
        try:
            # Retries of the client would hide failures from telemetry, so there are none.
            with OpenAI(max_retries=0, timeout=10) as client:
                chunks = client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": question}],
                    stream=True,
                    stream_options={"include_usage": True},  # otherwise a stream has no usage
                )
                text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        except Exception:
            log.exception("could not answer")
            raise
        log.info("answered", extra=fields({"characters": len(text)}))
        return text


if __name__ == "__main__":
    with telemetry():
        a2a.serve(int(os.environ["PORT"]), answer)
