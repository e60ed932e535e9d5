/** The type of a row in the table of log events. A row defines the level, the text and the fields of its lines. */

type Values = {
  readonly text: string;
  readonly number: number;
  readonly list: readonly string[];
  readonly error: unknown;
};

export type Field = { readonly type: keyof Values; readonly meaning: string; readonly isOptional?: boolean };

export type EventRow = {
  readonly level: "info" | "warn" | "error";
  /** What happened. `{field}` is replaced by the value of a field. */
  readonly message: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** What an operator should do; printed after the message. */
  readonly action?: string;
};

export type EventRows = Readonly<Record<string, EventRow>>;

const field =
  <Type extends keyof Values>(type: Type) =>
  (meaning: string) =>
    ({ type, meaning }) as const;

export const text = field("text");
export const number = field("number");
export const list = field("list");
/** Logs only an error's name, code, stack and, for system errors and LoggableErrors, its message. */
export const error = field("error");
export const optional = <Own extends Field>(own: Own) => ({ ...own, isOptional: true }) as const;

type OptionalNames<Fields> = {
  [Name in keyof Fields]: Fields[Name] extends { readonly isOptional: true } ? Name : never;
}[keyof Fields];

type ValueOf<Own> = Own extends Field ? Values[Own["type"]] : never;

/** The values that a row's function takes. */
export type FieldValues<Fields> = {
  readonly [Name in Exclude<keyof Fields, OptionalNames<Fields>>]: ValueOf<Fields[Name]>;
} & { readonly [Name in OptionalNames<Fields>]?: ValueOf<Fields[Name]> | undefined };

/** The names of the fields whose values are part of the line's text. */
export const fieldsInText = ({ message, action = "" }: EventRow): string[] =>
  [...`${message} ${action}`.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);

/** The text of a line. `valueOf` returns the text for a field. */
export const textOf = ({ message, action }: EventRow, valueOf: (field: string) => string): string =>
  (action === undefined ? message : `${message}. ${action}`).replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    valueOf(name),
  );
