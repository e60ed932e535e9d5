/** Expressions of Java and C#, as nodes of ESTree. */
import type { Node } from "../node.ts";
import { Cursor, UNARY } from "./cursor.ts";
import { TokenError, tokensOf, type Piece, type Token } from "./tokens.ts";

const ASSIGNS: ReadonlySet<string> = new Set(["=", "+=", "??="]);
const LOGICAL: ReadonlySet<string> = new Set(["||", "&&", "??"]);
const BINARY: ReadonlySet<string> = new Set("+ - * / % == != < > <= >= & | ^ is as instanceof".split(" "));

export class Expressions extends Cursor {
  expression(): Node {
    return this.deeper(() => this.#assignment());
  }

  #assignment(): Node {
    const left = this.#conditional();
    const sign = this.peek();
    if (sign.kind === "sign" && (sign.text === "=>" || sign.text === "->") && isParameters(left))
      return this.#lambda(left);
    if (sign.kind !== "sign" || !ASSIGNS.has(sign.text)) return left;
    this.next();
    const right = this.begins() ? this.expression() : this.#initializer();
    const operator = sign.text;
    return { type: "AssignmentExpression", operator, left, right, start: left.start, end: right.end };
  }

  #lambda(left: Node): Node {
    this.next();
    const body = this.is("{") ? this.block() : this.expression();
    return { type: "ArrowFunctionExpression", start: left.start, end: body.end, body };
  }

  #conditional(): Node {
    const test = this.#binary();
    if (!this.is("?") || !this.#isChoice()) return test;
    this.next();
    const consequent = this.expression();
    if (!this.is(":")) return consequent;
    this.next();
    const alternate = this.expression();
    return { type: "ConditionalExpression", test, consequent, alternate, start: test.start, end: alternate.end };
  }

  /** `string? name` is a type, not a choice. */
  #isChoice(): boolean {
    const [behind, further] = [this.peek(1), this.peek(2)];
    return !(behind.kind === "name" && further.kind === "sign" && /^[=;,)]$/.test(further.text));
  }

  /** All binary operators lean to the left: only sums are evaluated, and comparisons have no value here. */
  #binary(): Node {
    let left = this.#unary();
    for (;;) {
      const { text, kind } = this.peek();
      const isBinary = (kind === "sign" || kind === "name") && BINARY.has(text);
      if (!isBinary && !(kind === "sign" && LOGICAL.has(text))) return this.#named(left);
      this.next();
      if (!this.begins()) return left;
      const right = LOGICAL.has(text) ? this.deeper(() => this.#binary()) : this.#unary();
      const type = LOGICAL.has(text) ? "LogicalExpression" : "BinaryExpression";
      left = { type, operator: text, left, right, start: left.start, end: right.end };
    }
  }

  /** `String url`: the name behind a type. */
  #named(left: Node): Node {
    const isType = left.type === "Identifier" || left.type === "MemberExpression" || left.type === "BinaryExpression";
    return isType && this.peek().kind === "name" && !BINARY.has(this.peek().text) ? this.#conditional() : left;
  }

  #unary(): Node {
    const token = this.peek();
    if (token.kind === "sign" && UNARY.has(token.text)) {
      this.next();
      const argument = this.begins() ? this.deeper(() => this.#unary()) : this.nothing();
      return { type: "UnaryExpression", operator: token.text, argument, start: token.start, end: argument.end };
    }
    if (token.kind === "name" && (token.text === "await" || token.text === "throw") && this.peek(1).kind !== "sign") {
      this.next();
      return this.deeper(() => this.#unary());
    }
    return this.#postfix(this.#primary());
  }

  #primary(): Node {
    const token = this.next();
    const place = { start: token.start, end: token.end };
    if (token.kind === "string") return { type: "Literal", value: token.text, ...place };
    if (token.kind === "number") return { type: "Literal", value: Number.parseFloat(token.text), ...place };
    if (token.kind === "template") return this.#template(token);
    if (token.kind === "name") return this.#word(token);
    if (token.text === "(") return this.#parentheses(token);
    if (token.text === "[") return { type: "ArrayExpression", elements: this.#list("]"), ...place };
    return { type: "Nothing", ...place };
  }

  #word(token: Token): Node {
    const place = { start: token.start, end: token.end };
    if (token.text === "new") return this.#new(token);
    if (token.text === "null") return { type: "Literal", value: null, ...place };
    if (token.text === "true" || token.text === "false")
      return { type: "Literal", value: token.text === "true", ...place };
    return token.text === "this"
      ? { type: "ThisExpression", ...place }
      : { type: "Identifier", name: token.text, ...place };
  }

  /** A cast gives what stands behind it. */
  #parentheses(open: Token): Node {
    const inside = this.#list(")");
    const { kind, text } = this.peek();
    const isName = kind === "name" && !BINARY.has(text) && text !== "when";
    const follows = kind === "string" || kind === "template" || kind === "number" || isName || this.is("(");
    if (follows && inside.length === 1 && isParameters(inside[0]!)) return this.deeper(() => this.#unary());
    const place = { start: open.start, end: this.behind() };
    const [only] = inside;
    if (only && inside.length === 1) return { type: "ParenthesizedExpression", expression: only, ...place };
    return { type: "Parameters", items: inside, ...place };
  }

  #new(token: Token): Node {
    const { start } = token;
    let callee: Node = { type: "Identifier", name: "", start, end: token.end };
    while (this.peek().kind === "name" || this.is(".")) {
      const part = this.next();
      if (part.kind === "name") callee = { type: "Identifier", name: part.text, start: part.start, end: part.end };
    }
    if (this.is("<")) this.#typeArguments();
    if (this.is("[")) {
      this.next();
      this.#list("]");
    }
    const given = this.is("(") ? this.#given() : [];
    const initializer = this.is("{") ? this.#initializer() : undefined;
    return {
      type: "NewExpression",
      callee,
      arguments: given,
      start,
      end: this.behind(),
      ...(initializer && { initializer }),
    };
  }

  #given(): readonly Node[] {
    this.next();
    return this.#list(")");
  }

  #typeArguments(): void {
    let depth = 0;
    do {
      const { text, kind } = this.next();
      if (kind === "end") return;
      if (text === "<") depth++;
      if (text === ">") depth--;
    } while (depth > 0);
  }

  /** `{ Content = x }`, `{ ["key"] = x }`, `{ { "key", x } }`, `{ a, b }`, and the body of an anonymous class. */
  #initializer(): Node {
    const { start } = this.peek();
    const mark = this.mark();
    if (!this.is("{")) return this.nothing();
    this.next();
    const properties: Node[] = [];
    while (!this.is("}")) {
      if (this.peek().kind === "end") throw new TokenError("a { without its }", start);
      if (this.is(",")) this.next();
      else if (this.is("{")) properties.push(...this.#pair());
      else if (this.begins()) properties.push(...propertyOf(this.expression()));
      else break;
    }
    if (!this.is("}")) {
      this.back(mark);
      return this.block();
    }
    return { type: "ObjectExpression", properties, start, end: this.next().end };
  }

  #pair(): readonly Node[] {
    this.next();
    const [key, value] = this.#list("}");
    return key && value ? [{ type: "Property", key, value, start: key.start, end: value.end }] : [];
  }

  #postfix(primary: Node): Node {
    let node = primary;
    for (;;) {
      if (this.is(".") || this.is("?.") || this.is("::")) {
        this.next();
        if (this.is("<")) this.#typeArguments();
        const name = this.next();
        const property: Node = { type: "Identifier", name: name.text, start: name.start, end: name.end };
        node = { type: "MemberExpression", object: node, property, start: node.start, end: name.end };
      } else if (this.is("(") && /^(?:Identifier|MemberExpression|CallExpression)$/.test(node.type)) {
        const given = this.#given();
        node = { type: "CallExpression", callee: node, arguments: given, start: node.start, end: this.behind() };
      } else if (this.is("[") && node.type !== "Literal") {
        this.next();
        const [property] = this.#list("]");
        if (property)
          node = { type: "MemberExpression", object: node, property, start: node.start, end: this.behind() };
      } else if (this.is("++") || this.is("--") || (this.is("!") && this.peek(1).text !== "=")) this.next();
      else return node;
    }
  }

  /** Expressions up to the closing bracket; names of arguments are passed over. */
  #list(closing: string): readonly Node[] {
    const items: Node[] = [];
    const { start } = this.peek();
    while (!this.is(closing)) {
      const { kind, text } = this.peek();
      if (kind === "end") throw new TokenError(`no ${closing} for the bracket before`, start);
      if (kind === "name" && this.peek(1).text === ":" && this.peek(1).kind === "sign" && this.peek(2).text !== ":") {
        this.next();
        this.next();
      } else if (this.begins()) items.push(this.expression());
      else if (text === "{") items.push(this.#initializer());
      else if (text === "}") throw new TokenError(`no ${closing} for the bracket before`, start);
      else this.next();
    }
    this.next();
    return items;
  }

  #template(token: Token): Node {
    const pieces = token.pieces ?? [];
    const [quasis, expressions]: [Node[], Node[]] = [[], []];
    for (const piece of pieces)
      if ("text" in piece)
        quasis.push({ type: "TemplateElement", value: { cooked: piece.text }, start: token.start, end: token.end });
      else expressions.push(this.#inside(piece));
    return { type: "TemplateLiteral", quasis, expressions, start: token.start, end: token.end };
  }

  #inside({ start, end }: Exclude<Piece, { text: string }>): Node {
    const inner = new Expressions(this.text, tokensOf(this.text, start, end));
    return inner.begins() ? inner.expression() : inner.nothing();
  }
}

/** A name or a list of names: the parameters of a lambda, or the type of a cast. */
const isParameters = ({ type }: Node): boolean =>
  /^(?:Identifier|MemberExpression|Parameters|ParenthesizedExpression|BinaryExpression|ArrayExpression)$/.test(type);

const propertyOf = (node: Node): readonly Node[] => {
  const { start, end } = node;
  if (node.type === "AssignmentExpression")
    return [{ type: "Property", key: keyOf(node["left"] as Node), value: node["right"], start, end }];
  return [{ type: "Property", key: node, value: node, start, end }];
};

/** `["key"]` in an initializer. */
const keyOf = (left: Node): Node => {
  const [only] = left.type === "ArrayExpression" ? (left["elements"] as readonly Node[]) : [];
  return only ?? left;
};
