"""Group commit: whatever queued while the last batch ran is the next batch.

lane     what the edge uses: submit, call, close; every future is settled here, on the event loop
worker   a thread of the lane: takes a batch or a call, runs it, hands on what is to be answered
queue    every decision (what waits, what a batch is, who is answered with what), pure
stage    what waits for one thread and what it is running
"""

from __future__ import annotations

from reunite.lane.lane import Lane
from reunite.lane.stage import Answer

__all__ = ["Answer", "Lane"]
