"""Writes what ansible-playbook runs as JSON lines, for the Go test beside it."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: oracle
    type: aggregate
    short_description: results and recap as JSON lines
    description: Appends one JSON object a line to the file that ORACLE_EVENTS names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "oracle"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, **event):
        with open(os.environ["ORACLE_EVENTS"], "a", encoding="utf-8") as events:
            events.write(json.dumps(event) + "\n")

    def _result(self, result, status):
        # What is told of these depends on their loops; the recap counts them.
        action = result._task.action.split(".")[-1]
        if action == "meta" or action in ("include_tasks", "include_role") and status == "ok":
            return
        name = result._task.get_name()
        if "{{" in name or not name:
            name = result.task_name
        self._write(host=result._host.get_name(), task=name.strip(), status=status)

    def v2_runner_on_ok(self, result):
        self._result(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self._result(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        ignored = result._task_fields.get("ignore_unreachable")
        self._result(result, "ignored" if ignored else "unreachable")

    def v2_playbook_on_stats(self, stats):
        self._write(recap={host: stats.summarize(host) for host in stats.processed})
