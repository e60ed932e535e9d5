/** A syntax error in a JSON text. The message has line and column. */
export class JsonFault extends Error {
  /** The text ends before its value does. */
  readonly truncated: boolean;
  constructor(problem: string, text: string, at: number, truncated = false) {
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    super(`${problem} at line ${line}, column ${before.length - before.lastIndexOf("\n")}`);
    this.name = "JsonFault";
    this.truncated = truncated;
  }
}
