"""Everything that identity answers."""

from services.cop.identity import operations, queries
from shared.contracts import identity as contract
from shared.messaging.service import Call, Service

SERVICE = Service(
    name=contract.SERVICE,
    calls={
        "sign_in": Call(operations.sign_in, contract.SignIn, open_to_all=True),
        "sign_out": Call(operations.sign_out, contract.BySession, open_to_all=True),
        "exchange": Call(queries.exchange, contract.Exchange, open_to_all=True),
        "create_person": Call(operations.create_person, contract.CreatePerson),
        "get_names": Call(queries.get_names, contract.GetNames),
        "find_listed": Call(queries.find_listed, contract.FindListed),
    },
)
