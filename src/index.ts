/**
 * Remote services as local objects that survive restarts.
 *
 * @module lamplighter
 */

// Clients: remote services as local objects.
export { main } from "./cli/module-main.js";
export type { BalanceStrategy } from "./client/balancer.js";
export { Client, type UserInfo } from "./client/client.js";
export {
  type CallPipeline,
  Component,
  type ComponentStatus,
  close,
  componentOf,
  type FullAnswer,
  introspect,
  proxy,
  statusOf,
  withOptions,
} from "./client/component.js";
export {
  type Configuration,
  closeDefaultClient,
  configuration,
  configure,
  defaultClient,
  locate,
  nameserver,
} from "./client/default-client.js";
export type { ClientEvent, ConnectedEvent, DisconnectedEvent, ResolvedEvent, RetryEvent } from "./client/events.js";
export type { ClientHook } from "./client/hooks.js";
export type { NameserverProxy } from "./client/nameserver-proxy.js";
export type { ClientOptions, ConnectOptions, LocateOptions } from "./client/options.js";
// Errors.
export {
  AccessDeniedError,
  BadRequestError,
  ConfigurationError,
  type ErrorCode,
  MethodNotFoundError,
  type Outcome,
  ProtocolError,
  RemoteError,
  type RemoteErrorInfo,
  RpcError,
  type RpcErrorOptions,
  rpcError,
  ServiceNotFoundError,
  SessionExpiredError,
  TimeoutError,
  UnavailableError,
} from "./errors.js";
// Hosts and nameservers.
export { Host, type HostOptions } from "./nameserver/host.js";
export { MemoryRegistry, type MemoryRegistryOptions } from "./nameserver/memory-registry.js";
export { NameserverHost, type NameserverHostOptions } from "./nameserver/nameserver-host.js";
export type { Registry, RegistryChange, RegistryEntry } from "./nameserver/registry.js";
// Calls, seen from both ends.
export { NamedArguments, named } from "./peer/arguments.js";
export { type Caller, currentCall, Reply, reply, ServerCall, type ServerCallInit } from "./peer/call-context.js";
export type {
  AddedMethodContract,
  ArgumentType,
  AttachmentNames,
  Contract,
  HostContract,
  IntrospectedContract,
  IntrospectedMethod,
  Introspection,
  MethodContract,
} from "./peer/contract.js";
export type { Authenticate, AuthenticationPolicy, ServiceMiddleware } from "./peer/dispatcher.js";
export type {
  Answer,
  CallOptions,
  Invoker,
  Middleware,
  OutgoingCall,
  PositionalArguments,
  RawArguments,
} from "./peer/invoker.js";
export type { ListPatterns, Nameserver, ServiceInfo } from "./peer/nameserver-interface.js";
export { call } from "./peer/proxy.js";
export type { Endpoint, ServiceQuery, ServiceRecord } from "./peer/record.js";
export type {
  AnyFunction,
  Dynamic,
  DynamicMember,
  Interfaces,
  InterfaceType,
  NamedMarker,
  Remote,
  RemoteArguments,
  RemoteBase,
  RemoteKey,
  RemoteMember,
  RemoteMembers,
  RemoteMethod,
  RemotePromise,
  RemoteType,
  TypedAs,
  WithNamed,
} from "./peer/remote.js";
export { Session, type SessionOptions, Sessions } from "./peer/sessions.js";
// Services.
export { type ArgumentCheck, checkArgument } from "./service/checks.js";
export {
  type AnyClass,
  expose,
  Interface,
  type InterfaceDecorator,
  type InterfaceMark,
  Method,
  type MethodDecorator,
} from "./service/decorators.js";
export {
  defineInterface,
  InterfaceDefinition,
  type Provided,
} from "./service/definition.js";
export type {
  CallOf,
  InterfaceOf,
  MethodDefinition,
  MethodDefinitions,
  MethodsOf,
  MethodWithOptions,
  NamedResults,
  RemoteName,
} from "./service/interface-of.js";
export type {
  AttachmentOptions,
  InterfaceOptions,
  MethodFunction,
  MethodOptions,
  MethodPosthook,
  MethodPrehook,
  ParameterCheck,
  ServiceResponse,
} from "./service/method-options.js";
export type { Registrar } from "./service/registrar.js";
export { ServiceHost, type ServiceHostOptions, type ServiceHostParts } from "./service/service-host.js";
export type {
  Link,
  LinkHandlers,
  LinkOptions,
  Listener,
  ListenerHandlers,
  Peer,
  Transport,
} from "./transport/index.js";
export type { Logger } from "./util/log.js";
