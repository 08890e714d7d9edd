"""Notify: tell the webhook of audits that have ended, at least once."""

import logging

from urllib3.exceptions import HTTPError

from storage.settings import settings
from tasks.app import app
from tasks.runtime import notices
from tasks.steps import IdsTask
from tasks.webhook import post

MOST = 20  # in one task: a receiver that does not answer holds it up for 15 seconds each

logger = logging.getLogger(__name__)


@app.task(name="notify", base=IdsTask)
def notify() -> None:
    """Tell what is due; what is not heard is due again later."""
    here = settings()
    if not here.webhook_url:
        return
    for _ in range(MOST):
        notice = notices().take()
        if notice is None:
            return
        try:
            status = post(here.webhook_url, here.webhook_secret, notices().told(notice))
        except HTTPError as error:  # its text has the address, which may hold a secret
            logger.warning("webhook: the end of audit %d was not heard: %s", notice.audit, type(error).__name__)
            continue
        if 200 <= status < 300:
            notices().heard(notice)
        else:
            logger.warning("webhook: the end of audit %d was not heard: HTTP status %d", notice.audit, status)
