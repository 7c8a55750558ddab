/**
 * Remote services as local objects that survive restarts.
 *
 * @module lamplighter
 */

// Clients: remote services as local objects.
export { main } from "./cli/module-main.js";
export type { BalanceStrategy } from "./client/balancer.js";
export { batch, type Settled } from "./client/batch.js";
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
// HTTP.
export { EventStream, type EventStreamOptions, type StreamedEvent } from "./gateway/event-stream.js";
export type { BridgedEvent, EventBridge, EventName } from "./gateway/events/event-bridge.js";
export { type HmacVerifierOptions, hmacVerifier } from "./gateway/events/hmac-verifier.js";
export type { SignedRequest, Verifier } from "./gateway/events/verifier.js";
export type { WebGatewayOptions } from "./gateway/options.js";
export type { Problem } from "./gateway/problem.js";
export type { RequestHandler } from "./gateway/request-handler.js";
export { WebGateway, type WebListener } from "./gateway/web-gateway.js";
// Hosts and nameservers.
export { Host, type HostOptions } from "./nameserver/host.js";
export { MemoryRegistry, type MemoryRegistryOptions } from "./nameserver/memory-registry.js";
export { NameserverHost, type NameserverHostOptions } from "./nameserver/nameserver-host.js";
export type { RecordPolicy, RecordPredicate, RecordRule } from "./nameserver/record-access.js";
export type { Registry, RegistryChange, RegistryEntry } from "./nameserver/registry.js";
export type { AnswerWindowOptions } from "./peer/answers/answer-window.js";
// Security.
export type { AddressOption, BoundAddress } from "./peer/bound-address.js";
export { currentCall, Reply, reply, ServerCall, type ServerCallInit } from "./peer/call-context.js";
export type { AttachmentLimits, CallOrigin } from "./peer/call-origin.js";
export { CallPromise } from "./peer/call-promise.js";
export { CallerLoad, type LoadLimits } from "./peer/caller-load.js";
export type { Channel, ChannelIdentity } from "./peer/channel.js";
export type { ConnectedPeer } from "./peer/connected-peer.js";
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
export { type ErrorClass, type ErrorClassOptions, registerError } from "./peer/error-classes.js";
export { type ArgumentCheck, checkArgument } from "./peer/exposed/checks.js";
export {
  defineInterface,
  InterfaceDefinition,
  type Provided,
} from "./peer/exposed/definition.js";
export type { OnceMode } from "./peer/exposed/exposed-interface.js";
export type {
  CallOf,
  InterfaceOf,
  MethodDefinition,
  MethodDefinitions,
  MethodsOf,
  MethodWithOptions,
  NamedResults,
  RemoteName,
} from "./peer/exposed/interface-of.js";
// Services.
export type { InterfaceMark } from "./peer/exposed/marks.js";
export type {
  AttachmentOptions,
  InterfaceOptions,
  MethodFunction,
  MethodOptions,
  MethodPosthook,
  MethodPrehook,
  ParameterCheck,
  ServiceResponse,
} from "./peer/exposed/method-options.js";
export type { ErrorPolicy } from "./peer/failures.js";
export type {
  Answer,
  CallOptions,
  Invoker,
  Middleware,
  OutgoingCall,
  PositionalArguments,
  RawArguments,
} from "./peer/invoker.js";
export type { HostLimits } from "./peer/limits.js";
export type { ListPatterns, Nameserver, ServiceInfo } from "./peer/nameserver-interface.js";
// Calls, seen from both ends.
export type {
  CallJournal,
  JournalDatabase,
  JournalEntry,
  JournaledCall,
  JournalStatement,
} from "./peer/once/call-journal.js";
export { type GivenUp, type PendingCall, PendingCalls } from "./peer/pending-calls.js";
export { type GivenArguments, givenArguments, requirePlainCall } from "./peer/plain-call.js";
export type {
  Callee,
  Protocol,
  ProtocolConnectOptions,
  ProtocolListener,
  ProtocolListenOptions,
} from "./peer/protocol.js";
export { call } from "./peer/proxy.js";
export type { Endpoint, ServiceQuery, ServiceRecord } from "./peer/record.js";
export type { HeldReference } from "./peer/references/held-reference.js";
export { release } from "./peer/references/remote-reference.js";
export type {
  AnyFunction,
  Arrived,
  Blocking,
  Dynamic,
  DynamicMember,
  Interfaces,
  InterfaceType,
  IsMethod,
  MethodNames,
  NamedMarker,
  Pipelined,
  PipelinedCall,
  PipelinedKey,
  PipelinedMember,
  Primitive,
  ReferenceMember,
  ReferenceMembers,
  Remote,
  RemoteArguments,
  RemoteArray,
  RemoteBase,
  RemoteCallable,
  RemoteData,
  RemoteFunction,
  RemoteHold,
  RemoteItems,
  RemoteKey,
  RemoteMade,
  RemoteMember,
  RemoteMembers,
  RemoteMethod,
  RemoteObject,
  RemotePromise,
  RemoteReference,
  RemoteResult,
  RemoteTuple,
  RemoteType,
  Sent,
  SentValue,
  Telling,
  TypedAs,
  Unchanged,
  Whole,
  WithNamed,
} from "./peer/remote.js";
export { Session, type SessionOptions, Sessions } from "./peer/sessions.js";
export type { ErrorCount, LatencyStats, MethodStats } from "./peer/stats/method-calls.js";
export type { ByteSource } from "./peer/streams/byte-stream.js";
export { RemoteStream } from "./peer/streams/remote-stream.js";
// Publish and subscribe.
export { Gap, type GapReason } from "./pubsub/gap.js";
export { type Generate, onTopic, Topical } from "./pubsub/generator-run.js";
export { Items, Taken } from "./pubsub/items.js";
export { Publication, type PublicationOptions, type PublishOptions, type TopicInfo } from "./pubsub/publication.js";
export { type GeneratorMethod, Publisher, type PublisherDecorator, publisher } from "./pubsub/publisher.js";
export type { Position } from "./pubsub/publisher-link.js";
export { Subscriber, subscriber } from "./pubsub/subscriber.js";
export type { Published, SubscriberEvents, SubscriberOptions } from "./pubsub/subscriber-options.js";
export type { SubscriberInfo } from "./pubsub/subscription.js";
export type { OverflowPolicy } from "./pubsub/subscription-request.js";
export type { Caller } from "./security/caller.js";
export { type CredentialOptions, Credentials } from "./security/credentials.js";
export type { Authenticator, HostSecurity, Mechanism } from "./security/gate.js";
export { KeyFolder } from "./security/key-folder.js";
export { keyText, readKey } from "./security/keys.js";
export type { Policy, PolicyPredicate, PolicyQuestion, PolicyRule, PolicyRules } from "./security/policy.js";
export { isSameSecret } from "./security/secrets.js";
export type { UserRule } from "./security/users.js";
export {
  type AnyClass,
  expose,
  Interface,
  type InterfaceDecorator,
  Method,
  type MethodDecorator,
} from "./service/decorators.js";
export type { HostStats, ProcessStats } from "./service/host-stats.js";
export { Journal, type JournalOptions, openJournal } from "./service/journal/journal.js";
export type { Registrar } from "./service/registrar.js";
export { ServiceHost } from "./service/service-host.js";
export type { ServiceHostOptions, ServiceHostParts } from "./service/service-host-options.js";
export type {
  Address,
  Admission,
  ConnectionLimits,
  ConnectionQuota,
  CountedConnection,
  CurveSecurity,
  KeyPair,
  Link,
  LinkHandlers,
  LinkOptions,
  LinkSecurity,
  Listener,
  ListenerHandlers,
  ListenerSecurity,
  ListenOptions,
  NullSecurity,
  Peer,
  PeerIdentity,
  PeerOrigin,
  PlainSecurity,
  RemoteEnd,
  SocketType,
  Transport,
  TransportAbilities,
  TransportName,
} from "./transport/index.js";
export type { DeadlineWheel, Expiring } from "./util/deadline-wheel.js";
export type { Logger } from "./util/log.js";
export { NamedArguments, named } from "./wire/named-arguments.js";
// Workflow.
export { Workflow, type WorkflowOptions, workflow } from "./workflow/client/workflow.js";
export { type Clock, SYSTEM_CLOCK } from "./workflow/clock.js";
export type { CodeContext, CodeFunction } from "./workflow/code-function.js";
export {
  CONTROL_INTERFACE,
  type Delivery,
  RUN_EXTENSION,
  type RunDetails,
  type RunProgress,
  type ScheduleInfo,
  type StepStatus,
  type TaskInfo,
  WORKFLOW_INTERFACE,
  type WorkflowControl,
} from "./workflow/control.js";

export {
  type CallInput,
  type CallMaker,
  type CallStep,
  type CallStepOptions,
  type CallsTo,
  type CallsToMember,
  callsTo,
  defineWorkflow,
  type Mapped,
  type MappedParts,
  ref,
  type TasksOf,
  type TypedSchedule,
  type TypedValue,
  type TypedWorkflow,
  type ValueReference,
  type WorkflowInput,
} from "./workflow/definition/build.js";
export type {
  AllCondition,
  AnyCondition,
  ApprovalWait,
  Branch,
  CallDefinition,
  CodeDefinition,
  Condition,
  EqualsCondition,
  EventWait,
  ExistsCondition,
  GreaterCondition,
  InCondition,
  LessCondition,
  MapDefinition,
  Mapping,
  MomentWait,
  NotCondition,
  ParallelDefinition,
  PublishedWait,
  RetryDefinition,
  ScheduleDefinition,
  SequenceDefinition,
  StepCommon,
  StepDefaults,
  StepDefinition,
  StepInput,
  SwitchDefinition,
  TaskCallDefinition,
  TaskDefinition,
  TaskOptions,
  TimeWait,
  ValueDefinition,
  WaitDefinition,
  WaitFor,
  WhenDefinition,
  WorkflowDefinition,
} from "./workflow/definition/definition.js";
export { DefinitionError, type DefinitionProblem } from "./workflow/definition/problems.js";
export { readWorkflowFile } from "./workflow/definition/read-file.js";
export type { Runs, StartOptions } from "./workflow/engine/runs.js";
export { openRunJournal, type RunJournalOptions } from "./workflow/journal/open-run-journal.js";
export type {
  BegunRun,
  EntryWrite,
  JournalWrite,
  NewRun,
  PrunePolicy,
  RunJournal,
  StateWrite,
  StoredRun,
  StoredSchedule,
} from "./workflow/journal/run-journal.js";
export type { SqliteRunJournal } from "./workflow/journal/sqlite-run-journal.js";
export type {
  AnsweredEvent,
  AskedEvent,
  BegunEvent,
  CancelledEvent,
  DeliveredEvent,
  DoneEvent,
  EndedEvent,
  FailedEvent,
  HistoryEntry,
  HistoryEvent,
  RetriedEvent,
  RunAnswer,
  RunFailure,
  RunFilter,
  RunInfo,
  RunQuestion,
  RunState,
  StartedEvent,
  UndoingEvent,
  WaitingEvent,
} from "./workflow/run.js";
export { WorkflowHost } from "./workflow/service/workflow-host.js";
export type { DefinitionSource, WorkflowHostOptions } from "./workflow/service/workflow-host-options.js";
