"""Hears every answer of both stores, and compares it with the other's and with the people."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from demo.adopt.checks import Check
from demo.adopt.people import Answer, People
from demo.adopt.rows import email_key, phone_key
from demo.connection import Reply
from demo.records import Record

_REFUSED = 422


class Judge:
    """Compares the answers to posts that are heard in order, or that change nothing.

    Attributes:
        checks: the comparisons.
        outcomes: how many first answers had which outcome, by kind of post.
    """

    def __init__(self, posts: Sequence[Record], people: People) -> None:
        self._posts = posts
        self._people = people
        self._equal = Check("answers of both stores, byte for byte")
        self._first = Check("answers, against the people")
        self._again = Check("answers to the same once more, known to all")
        self.checks = [self._equal, self._first, self._again]
        self.outcomes: dict[str, Counter[str]] = {}

    def hear(self, index: int, replies: Mapping[str, Reply]) -> None:
        """Take the answers to a post, in the order of posting."""
        self._hear(index, replies, self._first)
        post, reply = self._posts[index], next(iter(replies.values()))
        outcome = "refused" if reply.status == _REFUSED else reply.outcome
        self.outcomes.setdefault(post.name, Counter())[outcome] += 1

    def hear_again(self, index: int, replies: Mapping[str, Reply]) -> None:
        """Take the answers to a post that was answered before, in any order."""
        self._hear(index, replies, self._again)

    def _hear(self, index: int, replies: Mapping[str, Reply], check: Check) -> None:
        post = self._posts[index]
        name = f"post {index}, {post.name}, {post.email}, {post.phone}"
        one, *others = replies.values()
        for other in others:
            self._equal.compare(name, _without_request(other), _without_request(one))
        due = self._people.identify(
            None if post.email is None else email_key(post.email),
            None if post.phone is None else phone_key(post.phone),
        )
        check.compare(name, _understood(one), due)


def _without_request(reply: Reply) -> tuple[int, str, bytes]:
    """A reply without the id of the request, which a refusal bears, and no two share."""
    return reply._replace(body=re.sub(rb',"requestId":"[^"]*"', b"", reply.body))


def _understood(reply: Reply) -> Answer | Reply:
    """An answer as the people give it; one that is no such answer as it is."""
    if reply.status == _REFUSED:
        return Answer(None)
    if reply.status != 200:
        return reply
    contact = json.loads(reply.body)["contact"]
    return Answer(
        reply.outcome,
        contact["primaryContactId"],
        [email_key(email) or email for email in contact["emails"]],
        [phone_key(phone) or phone for phone in contact["phoneNumbers"]],
        contact["secondaryContactIds"],
    )
