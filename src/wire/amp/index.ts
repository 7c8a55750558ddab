export { type Box, encodeBox } from "./box.js";
export { BoxParser, parseBoxes } from "./box-parser.js";
export { type ChunkedOptions, chunked } from "./chunked.js";
export { AmpDateTime, type AmpDateTimeFields } from "./date-time.js";
export { AmpDecimal, type DecimalKind } from "./decimal.js";
export {
  type DecodeFieldsOptions,
  decodeFields,
  type EncodeFieldsOptions,
  encodeFields,
  optional,
  requireFields,
} from "./fields.js";
export { type AmpDialect, type BoxLimits, Code, DEFAULT_BOX_LIMITS, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "./format.js";
export { ampList, listOf } from "./list-types.js";
export { type BoxFault, MalformedBoxError } from "./malformed-box.js";
export {
  type AmpMessage,
  type AskMessage,
  boxOf,
  decodeMessage,
  encodeMessage,
  type FailureMessage,
  IncompleteErrorBoxError,
  numberOf,
  type ReplyMessage,
  tagOf,
} from "./message.js";
export {
  boolean,
  bytes,
  dateTime,
  decimal,
  descriptor,
  float,
  type IntegerOptions,
  integer,
  path,
  unicode,
} from "./scalar-types.js";
export type {
  AmpField,
  AmpFields,
  AmpType,
  AnyField,
  AnyType,
  Flat,
  OptionalNames,
  Presence,
  ReceivedBy,
  ReceivedValues,
  SentBy,
  SentValues,
} from "./type.js";
export { MalformedValueError, type ValueSteps, WrongValueError } from "./wrong-value.js";
