/** The rule of OCS's request format that a request breaks. The gateway maps each to a refusal with code and status. */
export type Rule =
  | "resource" // the path is not an OCS resource, or its identifier is invalid
  | "method" // the resource does not allow the method
  | "action" // `req` is missing, duplicate, unknown, of another resource, or not the only parameter
  | "json" // the body is not one strict JSON object in UTF-8
  | "truncated" // the body ends inside its JSON
  | "duplicate-scope-key" // a key that decides scope is duplicate
  | "attribute"; // an attribute is missing or has a wrong type or value

type Where = {
  /** JSON Pointer (RFC 6901) to the invalid value. */
  readonly pointer?: string;
  /** The methods of the resource, for `Allow`. */
  readonly allow?: readonly string[];
};

/** Thrown for a request that OCS's format does not allow. The message says what was expected, without any value. */
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
