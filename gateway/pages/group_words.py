"""How the words of the groups' contract are called on pages, in the reader's language."""

from gateway import i18n
from gateway.i18n import gettext as _


def kinds() -> dict[str, str]:
    return {
        "policy_group": _("Regional policy group"),
        "network": _("Network of social and solidarity economy"),
        "work_package": _("Work package"),
        "theme": _("Theme"),
        "open": _("Open group"),
    }


def visibilities() -> dict[str, str]:
    return {
        "public": _("Everybody who is signed in"),
        "members": _("Members only"),
    }


def join_policies() -> dict[str, str]:
    return {
        "open": _("Everybody may join"),
        "approval": _("Stewards let people in"),
        "invitation": _("By invitation"),
    }


def roles() -> dict[str, str]:
    return {"steward": _("Steward"), "member": _("Member")}


def languages() -> list[tuple[str, str]]:
    """Every language, by its own name."""
    return list(i18n.OWN_NAMES.items())


def nobody() -> str:
    """How somebody is called who has no name here."""
    return _("Somebody without a name")
