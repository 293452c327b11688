"""Everything that the community of practice answers."""

from services.cop.discussions import operations as discussing
from services.cop.discussions import queries as discussions
from services.cop.groups import operations as grouping
from services.cop.groups import queries as groups
from shared.contracts import cop as contract
from shared.messaging.service import Call, Service

SERVICE = Service(
    name=contract.SERVICE,
    calls={
        "list_groups": Call(groups.list_groups, contract.ListGroups),
        "get_group": Call(groups.get_group, contract.ByGroup),
        "read_group": Call(discussions.read_group, contract.ReadGroup),
        "lead_group": Call(groups.lead_group, contract.LeadGroup),
        "list_members": Call(groups.list_members, contract.ListMembers),
        "create_group": Call(grouping.create_group, contract.NewGroup),
        "edit_group": Call(grouping.edit_group, contract.EditGroup),
        "close_group": Call(grouping.close_group, contract.ByGroup),
        "join_group": Call(grouping.join_group, contract.ByGroup),
        "leave_group": Call(grouping.leave_group, contract.ByGroup),
        "invite_member": Call(grouping.invite_member, contract.ByMember),
        "approve_member": Call(grouping.approve_member, contract.ByMember),
        "change_role": Call(grouping.change_role, contract.ChangeRole),
        "remove_member": Call(grouping.remove_member, contract.ByMember),
        "list_topics": Call(discussions.list_topics, contract.OfGroup),
        "get_topic": Call(discussions.get_topic, contract.ByTopic),
        "read_topic": Call(discussions.read_topic, contract.OfTopic),
        "list_replies": Call(discussions.list_replies, contract.OfTopic),
        "get_reply": Call(discussions.get_reply, contract.ByReply),
        "list_revisions": Call(discussions.list_revisions, contract.ListRevisions),
        "open_topic": Call(discussing.open_topic, contract.OpenTopic),
        "edit_topic": Call(discussing.edit_topic, contract.EditTopic),
        "delete_topic": Call(discussing.delete_topic, contract.ByTopic),
        "add_reply": Call(discussing.add_reply, contract.AddReply),
        "edit_reply": Call(discussing.edit_reply, contract.EditReply),
        "delete_reply": Call(discussing.delete_reply, contract.ByReply),
    },
)
