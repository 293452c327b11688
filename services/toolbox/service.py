"""Everything that the toolbox answers."""

from services.toolbox.documents import operations, queries
from shared.contracts import toolbox as contract
from shared.messaging.service import Call, Service

SERVICE = Service(
    name=contract.SERVICE,
    calls={
        "add_document": Call(operations.add_document, contract.AddDocument),
        "add_version": Call(operations.add_version, contract.AddVersion),
        "delete_document": Call(operations.delete_document, contract.ById),
        "list_documents": Call(queries.list_documents, contract.ListDocuments, open_to_all=True),
        "get_document": Call(queries.get_document, contract.ById, open_to_all=True),
        "grant_download": Call(queries.grant_download, contract.GrantDownload, open_to_all=True),
    },
)
