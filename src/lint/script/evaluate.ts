/**
 * What an expression gives, as far as the file tells: texts with holes for what only the running program knows. The
 * evaluation follows variables to what is assigned to them, and never runs anything.
 */
import { absent, concat, HOLE, partsOf, RECORD_URI, unknown, type Hole, type Member, type Value } from "../calls.ts";
import { callValue } from "./evaluate-call.ts";
import { bare, lastName, nodeIn, nodesIn, pathOf, type Node } from "./node.ts";
import type { Added, Scope } from "./scope.ts";

/** Assignments that the evaluation follows from one expression. */
const FARTHEST = 24;
/** Values of one variable that the evaluation compares. */
const MOST_VALUES = 8;
/** Expressions that one question may look at, so that no program makes the evaluation long. */
const MOST_STEPS = 20_000;

export class Evaluator {
  readonly #scope: Scope;
  readonly #known = new Map<Node, Value>();
  readonly #visiting = new Set<Node>();
  #steps = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** `above`: the ancestors of the expression, which decide what its variables are. */
  value(node: Node, above: readonly Node[]): Value {
    this.#steps = 0;
    return this.inner(node, above);
  }

  /** For a part of an expression that is being evaluated. */
  inner(written: Node, above: readonly Node[]): Value {
    const node = bare(written);
    const before = this.#known.get(node);
    if (before) return before;
    if (this.#visiting.has(node) || this.#visiting.size > FARTHEST * 8 || ++this.#steps > MOST_STEPS)
      return unknown(node.start);
    this.#visiting.add(node);
    const value = this.#compute(node, above);
    this.#visiting.delete(node);
    this.#known.set(node, value);
    return value;
  }

  #compute(node: Node, above: readonly Node[]): Value {
    switch (node.type) {
      case "Computed":
        return node["value"] as Value;
      case "Literal":
        return literal(node);
      case "TemplateLiteral":
        return this.#template(node, above);
      case "BinaryExpression":
        return node["operator"] === "+" ? this.#sum(node, above) : unknown(node.start);
      case "AssignmentExpression":
        return this.inner(nodeIn(node, "right")!, above);
      case "SequenceExpression":
        return this.inner(nodesIn(node, "expressions").at(-1)!, above);
      case "LogicalExpression":
        if (node["operator"] === "&&") return this.inner(nodeIn(node, "right")!, above);
        return this.either([nodeIn(node, "left")!, nodeIn(node, "right")!], node, above);
      case "ConditionalExpression":
        return this.either([nodeIn(node, "consequent")!, nodeIn(node, "alternate")!], node, above);
      case "Identifier":
      case "MemberExpression":
        return this.#named(node, above);
      case "ObjectExpression":
        return this.#object(node, above);
      case "ArrayExpression":
        return { kind: "other", json: "[]", at: node.start };
      case "UnaryExpression":
        return this.#unary(node, above);
      case "CallExpression":
      case "NewExpression":
        return callValue(this, node, above);
      default:
        return unknown(node.start);
    }
  }

  /** One of several values: known if all agree, an address if one is, else unknown. */
  either(nodes: readonly Node[], at: Node, above: readonly Node[]): Value {
    const values = nodes.map((each) => this.inner(each, above));
    const [first] = values;
    if (first && values.length === 1) return first;
    if (values.every((value) => value.kind === "unknown" && value.hole.recordUri)) return unknown(at.start, RECORD_URI);
    return values.find(isAddress) ?? unknown(at.start);
  }

  #template(node: Node, above: readonly Node[]): Value {
    const expressions = nodesIn(node, "expressions");
    const parts = nodesIn(node, "quasis").flatMap((quasi, at) => {
      const { cooked } = quasi["value"] as { readonly cooked?: string | null };
      const next = expressions[at];
      return [cooked ?? HOLE, ...(next ? partsOf(this.inner(next, above)) : [])];
    });
    return { kind: "text", parts: concat(parts), at: node.start };
  }

  /** Long sums lean to the left; they are read without recursion. */
  #sum(node: Node, above: readonly Node[]): Value {
    const terms: Node[] = [];
    let left: Node = node;
    while (left.type === "BinaryExpression" && left["operator"] === "+") {
      terms.push(nodeIn(left, "right")!);
      left = bare(nodeIn(left, "left")!);
    }
    const values = [left, ...terms.toReversed()].map((term) => this.inner(term, above));
    if (values.every(({ kind }) => kind === "number")) return unknown(node.start);
    const parts = concat(...values.map(partsOf));
    const [only] = parts;
    if (parts.length === 1 && typeof only === "object") return unknown(node.start, only);
    return { kind: "text", parts, at: node.start };
  }

  #named(node: Node, above: readonly Node[]): Value {
    if (lastName(node) === "GSW_RECORD_URI") return unknown(node.start, RECORD_URI);
    const path = pathOf(node);
    const assigned = path === undefined ? [] : this.#scope.valuesOf(path, above);
    if (assigned.length > MOST_VALUES) return unknown(node.start);
    const value = assigned.length > 0 ? this.either(assigned, node, above) : this.#member(node, above);
    return path === undefined ? value : this.#withAdded(value, this.#scope.addedTo(path, above), above);
  }

  #member(node: Node, above: readonly Node[]): Value {
    const object = node.type === "MemberExpression" ? nodeIn(node, "object") : undefined;
    if (!object) return unknown(node.start);
    const [of, name] = [this.inner(object, above), lastName(nodeIn(node, "property"))];
    if (of.kind === "object")
      return (
        of.members.findLast(({ key }) => key === name)?.value ?? (of.open ? unknown(node.start) : absent(node.start))
      );
    return unknown(node.start, partOfAddress(of, name));
  }

  #withAdded(value: Value, added: readonly Added[], above: readonly Node[]): Value {
    if (added.length === 0 || (value.kind !== "object" && value.kind !== "unknown")) return value;
    const members = added.map(({ key, value: given }): Member => {
      const name = lastName(key) ?? undefined;
      return { key: name, value: this.inner(given, above), at: key.start };
    });
    const before = value.kind === "object" ? value : { members: [], open: true };
    return {
      kind: "object",
      members: [...before.members, ...members],
      open: before.open || members.some(({ key }) => key === undefined),
      at: value.at,
    };
  }

  #object(node: Node, above: readonly Node[]): Value {
    let open = false;
    const members = nodesIn(node, "properties").flatMap((property): readonly Member[] => {
      const value = nodeIn(property, "value");
      if (!value) {
        const spread = nodeIn(property, "argument");
        const of = spread && this.inner(spread, above);
        if (of?.kind !== "object") open = true;
        else open ||= of.open;
        return of?.kind === "object" ? of.members : [];
      }
      const key = nodeIn(property, "key");
      const name = property["computed"] === true ? this.#computedKey(key, above) : lastName(key);
      open ||= name === undefined;
      return [{ key: name, value: this.inner(value, above), at: property.start }];
    });
    return { kind: "object", members, open, at: node.start };
  }

  #computedKey(key: Node | undefined, above: readonly Node[]): string | undefined {
    const value = key && this.inner(key, above);
    const [only, more] = value?.kind === "text" ? value.parts : [];
    return typeof only === "string" && more === undefined ? only : undefined;
  }

  #unary(node: Node, above: readonly Node[]): Value {
    const value = this.inner(nodeIn(node, "argument")!, above);
    if (node["operator"] === "-" && value.kind === "number")
      return { kind: "number", text: `-${value.text}`, at: node.start };
    if (node["operator"] === "void") return absent(node.start);
    return unknown(node.start);
  }
}

const literal = (node: Node): Value => {
  const value = node["value"];
  if (typeof value === "string") return { kind: "text", parts: value === "" ? [] : [value], at: node.start };
  if (typeof value === "number" || typeof value === "bigint")
    return { kind: "number", text: String(value), at: node.start };
  if (value === null && node["regex"] === undefined) return absent(node.start);
  return typeof value === "boolean" ? { kind: "other", json: String(value), at: node.start } : unknown(node.start);
};

const isAddress = (value: Value): boolean => {
  const [first] = value.kind === "text" ? value.parts : [];
  return typeof first === "string" && /^https?:\/\//i.test(first);
};

/** Whether a part of GSW_RECORD_URI still begins with the address: `uri.origin` does, `uri.pathname` does not. */
export const partOfAddress = (of: Value, name: string | undefined): Hole => {
  const isUri = of.kind === "unknown" && of.hole.recordUri;
  return isUri && !/^(?:pathname|path|search|length|[1-9]\d*)$/i.test(name ?? "") ? RECORD_URI : HOLE;
};
