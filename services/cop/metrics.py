"""The community of practice's own metrics."""

from prometheus_client import Counter

GROUPS_CREATED = Counter("cop_groups_created_total", "Groups created", ["kind"])
MEMBERSHIPS = Counter(
    "cop_memberships_total", "Changes of membership: asked, invited, joined, left", ["change"]
)
POSTS = Counter("cop_posts_total", "Topics opened and replies added", ["kind"])
