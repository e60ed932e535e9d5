/** ECMAScript inside XML: the expressions and scripts of one document share their variables. */
import { joined, NOTHING, text, unknown, type Fault, type Reading, type Value } from "../calls.ts";
import { Evaluator } from "../script/evaluate.ts";
import { childrenOf, type Node } from "../script/node.ts";
import { parseExpression, parseProgram } from "../script/parse-ecmascript.ts";
import { Scope } from "../script/scope.ts";
import type { Source } from "./reader.ts";
import { readProgram } from "./script.ts";
import type { XmlText } from "./xml.ts";

export class Document {
  readonly source: Source;
  readonly #scope = new Scope();
  readonly #evaluator = new Evaluator(this.#scope);
  readonly #scripts: Node[] = [];
  readonly #budget = { looked: 0 };
  readonly faults: Fault[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  /** A variable with the expression that it gets. */
  define(name: string, expression: XmlText): void {
    const tree = this.#parse(expression);
    if (!tree) return;
    this.#scope.define(name, tree);
    this.#scope.add({ type: "Program", start: tree.start, end: tree.end, body: [tree] });
  }

  /** A variable whose value is a text as it is written. */
  defineText(name: string, written: XmlText): void {
    this.#scope.define(name, computed(text(written.text, written.at)));
  }

  script(code: XmlText): void {
    const parsed = parseProgram(code.text, "javascript");
    if ("fault" in parsed) return this.#fault(code, parsed.fault, "this script");
    const tree = placed(parsed.tree, code);
    this.#scope.add(tree);
    this.#scripts.push(tree);
  }

  /** The value of an expression; unknown if there is none or it cannot be read, which is a fault. */
  value(expression: XmlText | undefined, at: number): Value {
    const tree = expression && this.#parse(expression);
    return tree ? this.#evaluator.value(tree, []) : unknown(at);
  }

  /** As `value`; a text that is no expression stands for itself. Nothing is a fault. */
  valueOrText(written: XmlText): Value {
    const parsed = parseExpression(written.text);
    if ("fault" in parsed) return { ...text(written.text, written.at), ...(written.exact && { exact: true as const }) };
    return this.#evaluator.value(placed(parsed.tree, written), []);
  }

  /** The calls inside the scripts. */
  readScripts(): Reading {
    const { text: whole, isKnownAddress } = this.source;
    return joined([
      NOTHING,
      ...this.#scripts.map((tree) =>
        readProgram({ tree, text: whole, evaluator: this.#evaluator, isKnownAddress, budget: this.#budget }),
      ),
    ]);
  }

  #parse(expression: XmlText): Node | undefined {
    const parsed = parseExpression(expression.text);
    if ("tree" in parsed) return placed(parsed.tree, expression);
    this.#fault(expression, parsed.fault, "this expression");
    return undefined;
  }

  #fault(where: XmlText, { at, message }: Fault, what: string): void {
    const place = where.exact ? where.at + at : where.at;
    if (this.faults.some((before) => before.at === place)) return;
    this.faults.push({ at: place, message: `${what} cannot be parsed: ${message}` });
  }
}

/** A value that is known already, as a node. */
const computed = (value: Value): Node => ({ type: "Computed", start: value.at, end: value.at, value });

/** Moves the tree's offsets from the snippet to the file. */
const placed = (tree: Node, { at, exact }: XmlText): Node => {
  const waiting: Node[] = [tree];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const moved = node as { start: number; end: number };
    moved.start = exact ? moved.start + at : at;
    moved.end = exact ? moved.end + at : at;
    for (const child of childrenOf(node)) waiting.push(child);
  }
  return tree;
};
