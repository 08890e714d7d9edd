"""The queues, and the order in which a worker serves them."""

from kombu.utils.scheduling import sorted_cycle

STEPS = ("prepare", "infer", "reduce")
NOW = "-now"  # the twin of a queue for a person who waits
QUEUES = (*(step + NOW for step in STEPS), *STEPS, "control")


class NowFirst(sorted_cycle):
    """Serve the -now queues before all others.

    kombu's own `priority` order goes by a set and differs from process to process.
    """

    def consume(self, n: int) -> list[str]:
        """The next n queues to look into."""
        return sorted(self.items[:n], key=lambda queue: (not queue.endswith(NOW), queue))
