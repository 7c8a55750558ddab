import type { Answer, OutgoingCall } from "../peer/invoker.js";
import type { Component } from "./component.js";

/**
 * A context hook, as in PyCOM (docs/pycom-wire.md, section 12): gets the component and the call (`pre`) or the answer
 * (`post`), may change it, and returns it.
 */
export type ClientHook<When extends "pre" | "post"> = When extends "pre"
  ? (component: Component, call: OutgoingCall) => OutgoingCall | Promise<OutgoingCall>
  : (component: Component, answer: Answer) => Answer | Promise<Answer>;
