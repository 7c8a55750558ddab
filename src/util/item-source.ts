/** Does a value give items one after the other: an async iterable, or what a generator made? Collections do not. */
export function isItemSource(value: object): boolean {
  if (Symbol.asyncIterator in value) return true;
  return Symbol.iterator in value && typeof (value as { readonly next?: unknown }).next === "function";
}
