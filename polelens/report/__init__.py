"""The report: an audit as pages of HTML, opened from the file system without a server."""

from polelens.report.pages import write_report
from polelens.report.views import AuditView, ExplanationView, Figures

__all__ = ["AuditView", "ExplanationView", "Figures", "write_report"]
