"""Every frozen type that crosses a door between two rooms.

Lines and columns are 1-based, the way people and GitHub count them; an end column is exclusive.
Times are milliseconds as a float. Text that came from a server is kept raw here: the reports clean it.
"""

from kamal_forward_check.model.algorithms import Algorithms
from kamal_forward_check.model.route import DEFAULT_PORT, Forwarding, Hop, HostKeyRule, Keys, Plan, Route, Skipped
from kamal_forward_check.model.said import Candidate, Change, Daemon, Finding, Fix, Report, ServerLine, Way
from kamal_forward_check.model.seen import (
    Answers,
    Aside,
    AsideAnswer,
    Beside,
    Heard,
    HopTrace,
    HostKey,
    LoginTrace,
    Observation,
    OwnPort,
    Trace,
)
from kamal_forward_check.model.source import (
    CONFIG_FILE,
    DeployConfig,
    Given,
    KamalVersion,
    Node,
    Problem,
    ProblemKind,
    Span,
)
from kamal_forward_check.model.words import (
    Cause,
    Certainty,
    Client,
    Purpose,
    Role,
    Severity,
    Stage,
    Status,
    Vantage,
    Verdict,
)

__all__ = [
    "CONFIG_FILE",
    "DEFAULT_PORT",
    "Algorithms",
    "Answers",
    "Aside",
    "AsideAnswer",
    "Beside",
    "Candidate",
    "Cause",
    "Certainty",
    "Change",
    "Client",
    "Daemon",
    "DeployConfig",
    "Finding",
    "Fix",
    "Forwarding",
    "Given",
    "Heard",
    "Hop",
    "HopTrace",
    "HostKey",
    "HostKeyRule",
    "KamalVersion",
    "Keys",
    "LoginTrace",
    "Node",
    "Observation",
    "OwnPort",
    "Plan",
    "Problem",
    "ProblemKind",
    "Purpose",
    "Report",
    "Role",
    "Route",
    "ServerLine",
    "Severity",
    "Skipped",
    "Span",
    "Stage",
    "Status",
    "Trace",
    "Vantage",
    "Verdict",
    "Way",
]
