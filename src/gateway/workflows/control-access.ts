import type { IncomingMessage } from "node:http";
import type { Client } from "../../client/client.js";
import { BadRequestError } from "../../errors.js";
import { AUTH_EXTENSION } from "../../peer/record.js";
import { type ControlCall, controlCall } from "../../workflow/client/control-call.js";
import { CONTROL_INTERFACE, type WorkflowControl } from "../../workflow/control.js";
import { tokenOf } from "../calls/call-request.js";
import type { Callables } from "../calls/callables.js";
import { isLoopback } from "../loopback.js";
import { HttpRefusal } from "../problem.js";

/** Who may look after the runs of workflow services by HTTP, and in whose name that is done. */
export class ControlAccess {
  readonly #client: Client;
  readonly #callables: Callables;

  constructor(client: Client, callables: Callables) {
    this.#client = client;
    this.#callables = callables;
  }

  /**
   * The control of a service, for one request: with the caller's token, where there is one. Whoever sits at the machine itself may do everything; for
   * others the gateway's option `allow` names the interface, or the very method.
   *
   * @throws HttpRefusal when the request may not call the method
   * @throws BadRequestError for what is no name of a service
   */
  of(request: IncomingMessage, service: unknown, method: keyof WorkflowControl): ControlCall {
    if (typeof service !== "string" || !/^\/./.test(service) || service.length > MAX_NAME) {
      throw new BadRequestError("The service is named by its path, such as /demo/workflow/1");
    }
    if (!isAtHome(request) && !this.#callables.isAllowed(CONTROL_INTERFACE, method)) {
      throw new HttpRefusal(
        403,
        "ACCESS_DENIED",
        `Runs can be looked after from this machine only; the option allow names ${CONTROL_INTERFACE}, or ${CONTROL_INTERFACE}/${method}, for others`,
      );
    }
    const token = tokenOf(request.headers.authorization);
    const call = controlCall(this.#client, service);
    return (asked, args, options) =>
      call(asked, args, { ...options, ...(token !== undefined && { extensions: { [AUTH_EXTENSION]: token } }) });
  }

  /** Who does something, for histories, where the service does not know better. */
  by(): string {
    return "the dashboard";
  }
}

/**
 * Does somebody ask from this machine, under a name that leads to it from nowhere else? A proxy on this machine, whose callers may be anywhere, is
 * known by the name that it hands on, or by what it says of them.
 */
function isAtHome({ socket, headers }: IncomingMessage): boolean {
  if (PROXIED.some((name) => headers[name] !== undefined)) return false;
  const name = (headers.host ?? "").replace(/:\d*$/, "");
  return isLoopback(socket.localAddress ?? "") && isLoopback(name);
}

/** Headers that proxies add. */
const PROXIED = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];
/** Of services, in characters. */
const MAX_NAME = 255;
