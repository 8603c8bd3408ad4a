"""The action's outputs: what a later step of a workflow can ask for."""

from __future__ import annotations

from kamal_forward_check.model import Report
from kamal_forward_check.report.clean import no_command, one_line
from kamal_forward_check.report.json import dumped


def outputs(report: Report, report_path: str) -> dict[str, str]:
    """The outputs by name, of which none is a command to a runner that a later step prints it to.

    `report_path` is relative to the workspace, empty where no report was written.
    """
    hosts = [hop.host.value for hop in report.failing_hops]
    return {
        "verdict": report.verdict,
        "failing-hop": no_command(one_line(hosts[0])) if hosts else "",
        "failing-hops": dumped(hosts, indent=None),
        "findings": str(len(report.findings)),
        "report": report_path,
    }
