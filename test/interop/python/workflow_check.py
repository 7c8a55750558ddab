"""A client of PyCOM calls a workflow service: workflow_check.py NAMESERVER. Prints `ok` lines as run.py does. The service is
/demo/workflow/1; its task `task1` ends by itself, `long` waits for an event `go`, and `broken` fails."""

import sys
import time

import pycom_peer as pycom

SERVICE = "/demo/workflow/1"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def error_of(body):
    try:
        return "no error: %r" % (body(),)
    except pycom.RemoteError as error:
        return error


def main(nameserver):
    context = pycom.Context(nameserver)
    workflow = context.locate("lamplighter.workflow", SERVICE)
    result = workflow.invoke("task1", {"way": []})
    expect(result == {"way": ["demo.interface.1", "demo.interface.2", "demo.interface.3"]}, result)
    print("ok task1")
    contract = workflow.introspect()["methods"]["pair"]
    expect(contract["required_arguments"] == ["a", "b"], contract)
    expect(pycom.ProxyComponent(workflow).pair(1, 2) == [1, 2], "pair")
    print("ok pair")
    failed = error_of(lambda: workflow.invoke("broken"))
    expect(failed.code == 1 and "at step 0" in failed.text, failed)
    print("ok broken")
    begun = time.monotonic()
    late = error_of(lambda: workflow.invoke("long", {"order": 1}))
    expect(time.monotonic() - begun < 5, "too late")
    expect(late.code == 1 and late.text.startswith("Run ") and " of long has not ended" in late.text, late)
    run = late.text.split(" ")[1]
    print("ok late")
    control = context.locate("lamplighter.workflow.control", SERVICE)
    expect(control.invoke("status", {"run": run})["state"] == "waiting", run)
    expect(control.invoke("deliver", {"event": "go", "payload": 7, "run": run}) == {"runs": [run]}, "deliver")
    expect(control.invoke("wait", {"run": run}) == 7, "wait")
    print("ok wait")
    own = control.invoke("start", {"task": "long", "input": {"order": 2}, "id": "mine"})
    expect(own["id"] == "mine", own)
    again = control.invoke("start", {"task": "long", "input": {"order": 2}, "id": "mine"})
    expect(again["startedAt"] == own["startedAt"], again)
    while control.invoke("status", {"run": "mine"})["state"] != "waiting":
        time.sleep(0.01)
    control.invoke("deliver", {"event": "go", "run": "mine"})
    while control.invoke("status", {"run": "mine"})["state"] != "completed":
        time.sleep(0.01)
    print("ok poll")
    refused = error_of(lambda: control.invoke("status", {"run": "none"}))
    expect(refused.code == 4, refused)
    print("ok refused")


main(sys.argv[1])
