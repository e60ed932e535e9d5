/**
 * Reads Java and C# as far as calls, texts, assignments and blocks: enough to see which requests a program sends. What
 * the parser does not know it passes over, token by token; only texts, comments and brackets that do not close are
 * faults.
 */
import { oneOf } from "../one-of.ts";
import type { Node } from "../node.ts";
import { Expressions } from "./expressions.ts";
import { TokenError, tokensOf, type Token } from "./tokens.ts";
import type { Parsed } from "../parse-ecmascript.ts";

export const parseCFamily = (text: string): Parsed => {
  try {
    return { tree: new Statements(text, tokensOf(text)).program() };
  } catch (error) {
    if (error instanceof TokenError) return { fault: { at: error.at, message: error.message } };
    if (error instanceof RangeError) return { fault: { at: 0, message: "code nested too deeply" } };
    throw error;
  }
};

const LOOPS: Readonly<Record<string, string>> = {
  for: "ForStatement",
  foreach: "ForOfStatement",
  while: "WhileStatement",
};
const LEAVES: Readonly<Record<string, string>> = {
  return: "ReturnStatement",
  throw: "ThrowStatement",
  break: "BreakStatement",
  continue: "ContinueStatement",
};
/** Words before an expression that say nothing about its value. */
const MODIFIERS = oneOf([
  "public private protected internal static final readonly const var async await using yield override",
  "virtual sealed abstract partial ref out in else unsafe volatile required default case goto lock",
  "synchronized switch fixed checked unchecked assert",
]);

class Statements extends Expressions {
  constructor(text: string, tokens: readonly Token[]) {
    super(text, tokens);
  }

  program(): Node {
    const body: Node[] = [];
    while (this.peek().kind !== "end") {
      const stray = this.peek();
      if (stray.text === "}" && stray.kind === "sign") throw new TokenError("a } that closes nothing", stray.start);
      body.push(...this.statement());
    }
    return { type: "Program", start: 0, end: this.peek().end, body };
  }

  override block(): Node {
    const open = this.next();
    const body: Node[] = [];
    this.deeper(() => {
      while (!this.is("}")) {
        if (this.peek().kind === "end") throw new TokenError("a { without its }", open.start);
        body.push(...this.statement());
      }
    });
    return { type: "BlockStatement", start: open.start, end: this.next().end, body };
  }

  /** One statement, or none for a sign that begins nothing. */
  statement(): readonly Node[] {
    const token = this.peek();
    if (token.kind === "sign" && token.text === "{") return [this.block()];
    if (token.kind === "sign" && (token.text === ";" || token.text === ")" || token.text === "]")) {
      this.next();
      return [];
    }
    if (token.kind !== "name") return this.#declaration();
    if (token.text === "try") return [this.#try()];
    if (token.text === "if") return [this.#if()];
    if (token.text === "do") return [this.#do()];
    const loop = LOOPS[token.text];
    if (loop !== undefined && this.peek(1).text === "(") return [this.#loop(loop)];
    const leave = LEAVES[token.text];
    if (leave !== undefined) return [this.#leave(leave)];
    return this.#declaration();
  }

  #try(): Node {
    const { start } = this.next();
    const resources = this.is("(") ? this.#group() : [];
    const block = this.#body();
    const handlers: Node[] = [];
    let finalizer: Node | null = null;
    for (;;) {
      const word = this.peek();
      if (word.text === "catch") {
        this.next();
        if (this.is("(")) this.#group();
        if (this.peek().text === "when") {
          this.next();
          this.#group();
        }
        const body = this.#body();
        handlers.push({ type: "CatchClause", start: word.start, end: body.end, body });
      } else if (word.text === "finally") {
        this.next();
        finalizer = this.#body();
      } else break;
    }
    return { type: "TryStatement", start, end: this.behind(), resources, block, handlers, finalizer };
  }

  #if(): Node {
    const { start } = this.next();
    const [test = this.nothing()] = this.is("(") ? this.#group() : [];
    const consequent = this.#body();
    let alternate: Node | null = null;
    if (this.peek().text === "else") {
      this.next();
      alternate = this.#body();
    }
    return { type: "IfStatement", start, end: this.behind(), test, consequent, alternate };
  }

  #loop(type: string): Node {
    const { start } = this.next();
    const head = this.#group();
    return { type, start, end: this.behind(), head, body: this.#body() };
  }

  #do(): Node {
    const { start } = this.next();
    const body = this.#body();
    if (this.peek().text === "while") this.next();
    const head = this.is("(") ? this.#group() : [];
    return { type: "DoWhileStatement", start, end: this.behind(), body, head };
  }

  #leave(type: string): Node {
    const { start } = this.next();
    const argument = this.is(";") || this.is("}") ? null : this.expression();
    return { type, start, end: this.behind(), argument };
  }

  /** The statement that a keyword governs, as a block. */
  #body(): Node {
    if (this.is("{")) return this.block();
    const { start } = this.peek();
    const body = this.peek().kind === "end" || this.is("}") ? [] : this.statement();
    return { type: "BlockStatement", start, end: this.behind(), body };
  }

  /** What stands in parentheses behind a keyword: expressions, with ; or , or : between them. */
  #group(): readonly Node[] {
    const open = this.next();
    const inside: Node[] = [];
    while (!this.is(")")) {
      if (this.peek().kind === "end" || this.is("{") || this.is("}"))
        throw new TokenError("a ( without its )", open.start);
      if (this.begins()) inside.push(this.expression());
      else this.next();
    }
    this.next();
    return inside;
  }

  /** An expression, or a declaration: its modifiers, its types, the value it gets, and its body. */
  #declaration(): readonly Node[] {
    const { start } = this.peek();
    const found: Node[] = [];
    let called: Node | undefined;
    while (!this.is(";") && !this.is("}") && this.peek().kind !== "end") {
      if (this.is("{")) {
        const body = this.block();
        const isMethod = called?.type === "CallExpression";
        found.push(isMethod ? this.#function(called!, body) : body);
        return found;
      }
      const token = this.peek();
      if (called?.type === "CallExpression" && /^(?:throws|where)$/.test(token.text)) {
        while (!this.is("{") && !this.is(";") && this.peek().kind !== "end") this.next();
        continue;
      }
      if (this.is("=>") && called) {
        this.next();
        const body = this.is("{") ? this.block() : this.expression();
        found.push(this.#function(called, body));
        return found;
      }
      if (!this.begins() || (token.kind === "name" && MODIFIERS.test(token.text))) {
        this.next();
        if (token.text === ")" || token.text === ":") called = undefined;
        continue;
      }
      called = this.expression();
      found.push({ type: "ExpressionStatement", start, end: called.end, expression: called });
    }
    if (this.is(";")) this.next();
    return found;
  }

  #function(called: Node, body: Node): Node {
    return {
      type: "FunctionDeclaration",
      start: called.start,
      end: body.end,
      id: called["callee"] ?? null,
      params: called["arguments"] ?? [],
      body,
    };
  }
}
