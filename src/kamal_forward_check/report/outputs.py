"""The action's outputs: what a later step of a workflow can ask for."""

from __future__ import annotations

import json

from kamal_forward_check.model import Report
from kamal_forward_check.report.clean import one_line


def outputs(report: Report, report_path: str) -> dict[str, str]:
    """The outputs by name. `report_path` is relative to the workspace, empty where no report was written."""
    hosts = [hop.host.value for hop in report.failing_hops]
    return {
        "verdict": report.verdict,
        "failing-hop": one_line(hosts[0]) if hosts else "",
        "failing-hops": json.dumps(hosts),
        "findings": str(len(report.findings)),
        "report": report_path,
    }
