"""Everything that the dashboard answers and listens to."""

from services.dashboard.indicators import queries
from services.dashboard.projection import projector
from services.dashboard.registrations import operations
from shared.contracts import dashboard as contract
from shared.contracts.events import PERSON_REGISTERED
from shared.contracts.ledger import SERVICE as LEDGER
from shared.contracts.ledger import Arguments
from shared.messaging.service import Call, Service

SERVICE = Service(
    name=contract.SERVICE,
    calls={
        "list_indicators": Call(queries.list_indicators, Arguments, open_to_all=True),
        "get_indicator": Call(queries.get_indicator, contract.GetIndicator, open_to_all=True),
        "get_overview": Call(queries.get_overview, contract.GetOverview, open_to_all=True),
    },
    events={PERSON_REGISTERED.key: operations.count_registration},
    journals={LEDGER: projector.receive},
)
