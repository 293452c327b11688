"""The rules of discussions: who changes and deletes what was said, and how often."""

from dataclasses import dataclass

from shared.contracts.errors import Refusal

MAX_EDITS = 50
"""How many earlier forms of a contribution are kept, and so how often it can be changed."""


@dataclass(frozen=True, slots=True)
class Post:
    """A topic or a reply, as far as its rules go. `version` counts from 1."""

    author: str
    version: int
    deleted: bool


def edited(post: Post, person: str, seen_version: int) -> Post:
    """The post after its author has changed it. Raises Refusal where it is another's, deleted, changed since
    it was read, or was changed too often.
    """
    if person != post.author:
        raise Refusal("not-permitted", action="change what another person has written")
    _require_present(post)
    if seen_version != post.version:
        raise Refusal("changed-meanwhile")
    if post.version > MAX_EDITS:
        raise Refusal("too-many-edits", limit=MAX_EDITS)
    return Post(post.author, post.version + 1, deleted=False)


def deleted(post: Post, person: str, *, leads: bool) -> Post:
    """The post after its author, or somebody who leads the group, has deleted it; deleting it again changes
    nothing.
    """
    if person != post.author and not leads:
        raise Refusal("not-permitted", action="delete what another person has written")
    return Post(post.author, post.version if post.deleted else post.version + 1, deleted=True)


def require_may_reply(topic: Post) -> None:
    """Nothing can be added to a deleted topic."""
    _require_present(topic)


def _require_present(post: Post) -> None:
    if post.deleted:
        raise Refusal("deleted")
