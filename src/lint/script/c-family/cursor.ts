/** A reader's place among the tokens of Java and C#. */
import type { Node } from "../node.ts";
import { TokenError, type Token } from "./tokens.ts";

const DEEPEST = 200;
export const UNARY: ReadonlySet<string> = new Set(["!", "-", "+", "~", "++", "--", "&", "*", "^"]);

export class Cursor {
  readonly text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text;
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#at++;
    return token;
  }

  is(sign: string): boolean {
    const { kind, text } = this.peek();
    return kind === "sign" && text === sign;
  }

  /** The end of the token before. */
  behind(): number {
    return this.#tokens[Math.max(0, this.#at - 1)]!.end;
  }

  nothing(): Node {
    return { type: "Nothing", start: this.peek().start, end: this.peek().start };
  }

  /** The place, for `back`. */
  mark(): number {
    return this.#at;
  }

  back(mark: number): void {
    this.#at = mark;
  }

  deeper<Result>(read: () => Result): Result {
    if (++this.#depth > DEEPEST) throw new TokenError(`code nested deeper than ${DEEPEST}`, this.peek().start);
    const result = read();
    this.#depth--;
    return result;
  }

  /** Blocks are statements; the parser of statements reads them. */
  block(): Node {
    throw new TokenError("a block inside an expression", this.peek().start);
  }

  /** True if an expression can begin here. */
  begins(): boolean {
    const { kind, text } = this.peek();
    return kind !== "end" && (kind !== "sign" || text === "(" || text === "[" || UNARY.has(text));
  }
}
