/** Names that frameworks look for to tell their own objects apart; a proxy is none of them. */
export const ABSENT_NAMES: ReadonlySet<string> = new Set([
  "then",
  "asymmetricMatch",
  "$$typeof",
  "nodeType",
  "tagName",
  "hasAttribute",
]);
