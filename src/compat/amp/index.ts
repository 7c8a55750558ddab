/**
 * AMP, the Asynchronous Messaging Protocol: commands both ways over tcp, tls and unix sockets, for peers that use Twisted or asyncio-amp
 * (docs/amp.md).
 *
 * @module lamplighter/amp
 */

export {
  type OctetStream,
  type StreamHandlers,
  type StreamListener,
  type StreamListenOptions,
  type StreamOptions,
  type StreamPeer,
  type StreamTls,
} from "../../transport/index.js";
export {
  AmpDateTime,
  type AmpDateTimeFields,
  AmpDecimal,
  type AmpDialect,
  type AmpField,
  type AmpFields,
  type AmpMessage,
  type AmpType,
  type AnyField,
  type AnyType,
  type AskMessage,
  ampList,
  type Box,
  type BoxFault,
  type BoxLimits,
  BoxParser,
  boolean,
  boxOf,
  bytes,
  type ChunkedOptions,
  chunked,
  type DecimalKind,
  dateTime,
  decimal,
  descriptor,
  encodeBox,
  type FailureMessage,
  type Flat,
  float,
  IncompleteErrorBoxError,
  type IntegerOptions,
  integer,
  listOf,
  MalformedBoxError,
  MalformedValueError,
  type OptionalNames,
  optional,
  type Presence,
  parseBoxes,
  path,
  type ReceivedBy,
  type ReceivedValues,
  type ReplyMessage,
  type SentBy,
  type SentValues,
  unicode,
  type ValueSteps,
  WrongValueError,
} from "../../wire/amp/index.js";
export type { BoxCalleeOptions } from "./box-callee.js";
export { BoxConnection, type BoxConnectionOptions, type BoxReceiver, type BoxSender } from "./box-connection.js";
export { type AskOptions, BoxDispatcher, type BoxDispatcherOptions } from "./box-dispatcher.js";
export { boxMethods } from "./box-methods.js";
export { connectBoxes, listenBoxes } from "./boxes.js";
export type {
  AmpCallOptions,
  CallParameters,
  CommandCall,
  CommandMethod,
  CommandTable,
  MethodsOfCommands,
} from "./calls.js";
export {
  AmpCommand,
  type AmpErrorClass,
  Command,
  type CommandDefinition,
  type CommandLike,
  commandOf,
  defineCommand,
  type ErrorTable,
} from "./command.js";
export {
  type AnyResponder,
  CommandLocator,
  type ResponderEntry,
  type ResponderFunction,
  respond,
} from "./command-locator.js";
export type { CommandSettings } from "./command-settings.js";
export type {
  ArgumentFields,
  CommandArguments,
  CommandErrors,
  CommandResponse,
  DeclaredIn,
  ErrorsIn,
  Nothing,
  NoValues,
  ReceivedArguments,
  RequiresAnswer,
  ResponseFields,
  SentResponse,
  Switches,
  SwitchingCommand,
  TakeOver,
} from "./command-types.js";
export { connectAmp } from "./connect.js";
export {
  BadArgumentsError,
  BadLocalReturnError,
  OnlyOneTlsError,
  ProtocolSwitchedError,
  RemoteAmpError,
  type RemoteAmpErrorOptions,
} from "./errors.js";
export { type AmpServer, listen } from "./listen.js";
export {
  type BoxResponder,
  joinLocators,
  type ResponderContext,
  type ResponderLocator,
} from "./locator.js";
export type { AmpOptions, AmpProtocolOptions, ConnectAmpOptions, ListenAmpOptions } from "./options.js";
export type { AmpPeer, AmpPeerInfo } from "./peer.js";
export { amp } from "./protocol.js";
export type { AmpRegistrationOptions } from "./registration.js";
export type { AmpRemote, CallsOf, UntypedCall, UntypedCalls, Verb } from "./remote.js";
export { Responder, type ResponderDecorator } from "./responder-marks.js";
export type { ResponderClass, Responders } from "./responders.js";
export type { UntypedArguments, UntypedValue, UntypedValues } from "./untyped.js";
