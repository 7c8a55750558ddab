/**
 * For authors of wires: what a protocol from another package implements, and where it is registered.
 *
 * @module lamplighter/wire
 */

export { BadRequestError, ProtocolError, RpcError, rpcError } from "../errors.js";
export { lampWire } from "./lamp/index.js";
export type {
  AnswerMessage,
  CallId,
  CallMessage,
  CancelMessage,
  ControlMessage,
  CreditMessage,
  EarlierTry,
  EndMessage,
  ErrorMessage,
  Extensions,
  Frames,
  GoodbyeMessage,
  HelloMessage,
  ItemMessage,
  Message,
  PingMessage,
  ReleaseMessage,
  ResultMessage,
  StopMessage,
  StreamMessage,
} from "./message.js";
export { pycomWire } from "./pycom/index.js";
export { registerWire, unregisterWire, wireNames } from "./registry.js";
export {
  type BatchingCodec,
  type Codec,
  DEFAULT_LIMITS,
  type FoundAnswer,
  MalformedMessageError,
  type Referral,
  type Referrer,
  type Wire,
  type WireAbilities,
  type WireLimits,
} from "./wire.js";
