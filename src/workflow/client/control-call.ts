import type { Client } from "../../client/client.js";
import type { Component } from "../../client/component.js";
import type { CallOptions } from "../../peer/invoker.js";
import { CONTROL_INTERFACE, type WorkflowControl } from "../control.js";

/** What a method of {@link WorkflowControl} takes; what may be left out may be `undefined` as well. */
export type ControlArguments<M extends keyof WorkflowControl> = Loose<NonNullable<Parameters<WorkflowControl[M]>[0]>>;

/** An object whose optional members may be `undefined`. */
export type Loose<T> = { readonly [K in keyof T]: undefined extends T[K] ? T[K] | undefined : T[K] };

/** What comes of a method of {@link WorkflowControl}. */
export type ControlResult<M extends keyof WorkflowControl> = Awaited<ReturnType<WorkflowControl[M]>>;

/**
 * Calls a method of the {@link CONTROL_INTERFACE} of one workflow service. Members that are `undefined` are left out.
 *
 * @throws RpcError with code and outcome
 */
export type ControlCall = <M extends keyof WorkflowControl>(
  method: M,
  args?: ControlArguments<M>,
  options?: CallOptions,
) => Promise<ControlResult<M>>;

/**
 * The control of one workflow service, for those who look after its runs.
 *
 * @param service - its name
 */
export function controlCall(client: Client, service: string): ControlCall {
  return controlOf(client.component(CONTROL_INTERFACE, { service }));
}

/** As {@link controlCall}, over a component of the {@link CONTROL_INTERFACE}. */
export function controlOf(component: Component): ControlCall {
  return async <M extends keyof WorkflowControl>(
    method: M,
    args?: ControlArguments<M>,
    options: CallOptions = {},
  ): Promise<ControlResult<M>> => {
    const given = Object.fromEntries(Object.entries(args ?? {}).filter(([, value]) => value !== undefined));
    // Who only looks does no harm by looking twice, whatever the contract says.
    const answer = component.invoke(method, given, { ...(READS.has(method) && { idempotent: true }), ...options });
    return (await answer) as ControlResult<M>;
  };
}

const READS: ReadonlySet<keyof WorkflowControl> = new Set<keyof WorkflowControl>([
  "wait",
  "status",
  "show",
  "list",
  "count",
  "history",
  "progress",
  "tasks",
  "schedules",
]);
