"""What a call of the lamp wire runs, written from docs/lamp-wire.md, sections 2, 5 and 6, and of docs/pycom-wire.md,
section 11."""

import inspect

from lamp_messages import CallError
from lamp_references import Remote
from lamp_values import UNDEFINED


def methods_of(service):
    """The names of a service's methods: those that do not begin with an underscore."""
    return [name for name in dir(service) if not name.startswith("_") and callable(getattr(service, name))]


def find(services, interface, name):
    """The method of an interface, or of whichever has it."""
    if interface and interface not in services:
        raise CallError("BAD_REQUEST", "not-executed", f"no interface {interface}")
    offered = services if not interface else {interface: services[interface]}
    for key, service in offered.items():
        if name in methods_of(service):
            return getattr(service, name)
        if name == "introspect":
            return introspection(key, service)
    raise CallError("METHOD_NOT_FOUND", "not-executed", f"no method {name}")


def arguments(method, args, positional):
    """Arguments by place and by name."""
    if args is None:
        return [], {}
    if positional:
        return args, {}
    names = parameters(method).keys()
    if isinstance(args, dict) and names and args.keys() <= names:
        return [], args
    return [args], {}


def parameters(method):
    """The arguments that a method declares, by name, and whether each is required."""
    declared = list(inspect.signature(method).parameters.values())[1:]
    return {one.name: one.default is one.empty for one in declared if one.kind is one.POSITIONAL_OR_KEYWORD}


def description(method):
    names = parameters(method)
    return {
        "required_arguments": [name for name, required in names.items() if required],
        "optional_arguments": [name for name, required in names.items() if not required],
        "results": [],
        "docstring": None,
        "attachments": {"incoming": None, "outgoing": None},
    }


def introspection(interface, service):
    async def introspect(call):
        return {
            "name": interface,
            "docstring": None,
            "data": {},
            "methods": {name: description(getattr(service, name)) for name in methods_of(service)},
            "contract": {
                "incarnation": call.connection.memory.incarnation,
                "stateful": False,
                "maxMessageBytes": call.connection.max_message_bytes,
                "methods": {},
            },
        }

    return introspect


def follow(value, path):
    """What stands at the end of a path through a result: own members, and what can be called of references."""
    for name in path.split(".") if path else []:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, Remote) and name in value.methods:
            value = getattr(value, name)
        else:
            return UNDEFINED
    return value
