/**
 * The public face of nodeset: nodes that publish and subscribe to events through a dispatcher, over our own wire.
 *
 * @module lamplighter/nodeset
 */

export type { HostOptions } from "../../nameserver/host.js";
export { Attribute, type AttributeDecorator } from "../../pubsub/nodes/attribute.js";
export { Catch, type CatchDecorator, type CatchMethod, catchEvents } from "../../pubsub/nodes/catch.js";
export { NodeCollection } from "../../pubsub/nodes/collection.js";
export { Configurator, configurator, type NodeSettings } from "../../pubsub/nodes/configurator.js";
export { Dispatcher } from "../../pubsub/nodes/dispatcher.js";
export type { DispatcherEvent, DispatcherOptions, NodeInfo, RouteInfo } from "../../pubsub/nodes/dispatcher-options.js";
export type { DispatcherPlace } from "../../pubsub/nodes/dispatcher-place.js";
export { type EventUri, formatEventUri, parseEventUri } from "../../pubsub/nodes/event-uri.js";
export { Formatter, findFormatter, registerFormatter } from "../../pubsub/nodes/formatters.js";
export type { NodeGap } from "../../pubsub/nodes/gaps.js";
export type { StreamPeer } from "../../pubsub/nodes/interfaces.js";
export {
  createMessage,
  type DeliveryMode,
  type MessageClass,
  type MessageFields,
  NodeMessage,
  type Received,
} from "../../pubsub/nodes/message.js";
export {
  baseFormatter,
  dictFormatter,
  jsonFormatter,
  MetricCollection,
  type MetricFormatter,
  type MetricPair,
} from "../../pubsub/nodes/metric-collection.js";
export { Absolute, Counter, Derive, Gauge, Metric, type MetricType, Store } from "../../pubsub/nodes/metrics.js";
export { Node } from "../../pubsub/nodes/node.js";
export type { ConnectionToDispatcherOptions, NodeOptions, NodeStatus } from "../../pubsub/nodes/node-options.js";
export type { AddedObserver, RouteAction, RouteObserver, RouteRecord } from "../../pubsub/nodes/observers.js";
export type { RouteEntry, RouteTarget } from "../../pubsub/nodes/routing-table.js";
export { ShellNode } from "../../pubsub/nodes/shell-node.js";
export { type PushResult, type PushToPeer, Stream } from "../../pubsub/nodes/stream.js";
export { StreamNode } from "../../pubsub/nodes/stream-node.js";
