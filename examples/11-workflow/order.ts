/** What the task is given. */
export interface Order {
  readonly tea: string;
  readonly cups: number;
}

/** What goes from the first service to the second, and to the third. */
export interface Priced extends Order {
  readonly cents: number;
}

/** The tasks, as callers see them. */
export interface Tasks {
  task1(order: Order): string;
}
