/**
 * The public face of pseud: servers and clients that call each other, wire-compatible with the Python library.
 *
 * @module lamplighter/pseud
 */

export { withOptions } from "../../client/component.js";
export { call } from "../../peer/proxy.js";

export { MicrosecondDate } from "../../wire/microsecond-date.js";

export { NamedArguments, named } from "../../wire/named-arguments.js";
export { PythonDate, PythonDateTime, type PythonDateTimeFields } from "../../wire/pseud/dates.js";
export type { ErrorItems } from "../../wire/pseud/error-items.js";
export { ErrorNames } from "../../wire/pseud/error-names.js";
export { ExtensionValue, MessagePackTimestamp, PythonFloat } from "../../wire/pseud/foreign-values.js";
export { MessageType } from "../../wire/pseud/format.js";
export type { Login } from "../../wire/pseud/login-body.js";
export { PythonTimeDelta } from "../../wire/pseud/time-delta.js";
export { PythonTimeZone } from "../../wire/pseud/time-zone.js";
export {
  type AnyClass,
  type ByTest,
  type ByType,
  type Packing,
  type Translation,
  TranslationTable,
} from "../../wire/pseud/translation-table.js";
export { Client, type ClientConstructor } from "./client.js";
export { disconnect, peersOf } from "./endpoint-proxy.js";
export type { PeerGone, PeerInfo, PeerJoined, PeerUnreachable, PseudEvent } from "./events.js";
export { registerHeartbeat } from "./heartbeat/index.js";
export { type IntervalOptions, intervalHeartbeat } from "./heartbeat/interval.js";
export type { Heartbeat, HeartbeatContext, HeartbeatPeer, HeartbeatPlugin } from "./heartbeat/plugin.js";
export type { ClientOptions, EndpointOptions, ServerOptions, SyncClientOptions } from "./options.js";
export { type Predicate, type PredicateArguments, registerPredicate } from "./predicates.js";
export {
  createLocalRegistry,
  globalRegistry,
  type Job,
  type JobFunction,
  type JobOptions,
  Registry,
  register,
} from "./registry.js";
export type { Route, Routing } from "./routing.js";
export { registerSecurity } from "./security/index.js";
export type {
  Challenge,
  ClientSecurity,
  KeysOption,
  KeyTexts,
  SecurityPlugin,
  SecuritySettings,
  ServerSecurity,
  Users,
} from "./security/plugin.js";
export { Server, type ServerConstructor } from "./server.js";
export { SyncClient, type SyncClientConstructor, type SyncClientVerbs } from "./sync-client.js";
export type { SyncDynamicMember, SyncMember, SyncMembers, SyncMethod, SyncRemote } from "./sync-remote.js";
export type { EndpointVerbs } from "./verbs.js";
