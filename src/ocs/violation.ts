/** Which rule of OCS's language a request breaks. A closed list: the gateway gives each word its code and status. */
export type Rule =
  | "resource" // the path is no OCS resource, or the identifier is not of its kind
  | "method" // the method is not for this resource
  | "action" // `req` is missing, twice, unknown, of another resource, or not alone
  | "json" // the body is not one strict JSON object in UTF-8
  | "truncated" // the body ends inside its JSON
  | "doubled-scope" // a key that decides scope stands twice
  | "attribute"; // an attribute is missing or has a wrong type or value

type Where = {
  /** JSON pointer (RFC 6901) to the value at fault. */
  readonly pointer?: string;
  /** Methods that the resource has, for `Allow`. */
  readonly allow?: readonly string[];
};

/** A request that is not OCS's language. The detail names the place and what was expected; it never repeats a value. */
export class Violation extends Error {
  readonly rule: Rule;
  readonly pointer: string | undefined;
  readonly allow: readonly string[] | undefined;
  constructor(rule: Rule, detail: string, where: Where = {}) {
    super(detail);
    this.name = "Violation";
    this.rule = rule;
    this.pointer = where.pointer;
    this.allow = where.allow;
  }
}
