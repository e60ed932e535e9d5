/** Which values a program gives to its variables, by function, and which members it adds to its objects. */
import { bare, calleeName, isFunction, lastName, nodeIn, nodesIn, pathOf, walk, type Node } from "./node.ts";

/** A value that is assigned: an expression, or one that a reader of XML has computed. */
export type Assigned = Node;

export type Added = { readonly key: Node; readonly value: Node };

const GLOBAL = "global";
const UNKNOWN: Node = { type: "Nothing", start: 0, end: 0 };

export class Scope {
  readonly #values = new Map<string, Assigned[]>();
  readonly #added = new Map<string, Added[]>();
  readonly #functions = new Map<Node, number>();

  /** Remembers all declarations and assignments of a tree. */
  add(tree: Node): void {
    for (const { node, above } of walk(tree)) {
      if (isFunction(node)) this.#enter(node, above);
      this.#remember(node, above);
    }
  }

  /** A variable of the whole document. */
  define(path: string, value: Assigned): void {
    this.#push(this.#values, `${GLOBAL}:${path}`, value);
  }

  /** The values that the variable may have where `above` are the ancestors; the innermost function's first. */
  valuesOf(path: string, above: readonly Node[]): readonly Assigned[] {
    for (const place of this.#placesOf(above)) {
      const found = this.#values.get(`${place}:${path}`);
      if (found) return found;
    }
    return [];
  }

  /** The members that the program adds to the object. */
  addedTo(path: string, above: readonly Node[]): readonly Added[] {
    return this.#placesOf(above).flatMap((place) => this.#added.get(`${place}:${path}`) ?? []);
  }

  /** The parameters of a function hide variables of the same name, and their values are unknown. */
  #enter(node: Node, above: readonly Node[]): void {
    this.#functions.set(node, this.#functions.size + 1);
    const [place] = this.#placesOf([...above, node]) as [string];
    for (const parameter of nodesIn(node, "params"))
      for (const { node: part } of walk(parameter)) {
        const name = part.type === "Identifier" ? pathOf(part) : undefined;
        if (name !== undefined) this.#declare(place, name);
      }
  }

  #declare(place: string, name: string): void {
    const key = `${place}:${name}`;
    if (!this.#values.has(key)) this.#values.set(key, []);
  }

  #remember(node: Node, above: readonly Node[]): void {
    if (node.type === "VariableDeclarator") {
      const [place] = this.#placesOf(above) as [string];
      const [name, init] = [pathOf(nodeIn(node, "id")), nodeIn(node, "init")];
      if (name !== undefined && init) this.#push(this.#values, `${place}:${name}`, init);
      else if (name !== undefined) this.#declare(place, name);
    } else if (node.type === "UpdateExpression") this.#assignTo(nodeIn(node, "argument"), UNKNOWN, above);
    else if (node.type === "AssignmentExpression") this.#assign(node, above);
    else if (node.type === "PropertyDefinition") {
      const [name, value] = [lastName(nodeIn(node, "key")), nodeIn(node, "value")];
      if (name !== undefined && value) this.#push(this.#values, `${GLOBAL}:this.${name}`, value);
    } else if (node.type === "CallExpression") this.#put(node, above);
  }

  #assignTo(left: Node | undefined, right: Node, above: readonly Node[]): void {
    const path = pathOf(left);
    if (path === undefined) return;
    const places = this.#placesOf(above);
    const known = places.find((each) => this.#values.has(`${each}:${path}`));
    this.#push(this.#values, `${known ?? (isField(path) ? GLOBAL : places[0]!)}:${path}`, right);
  }

  #assign(node: Node, above: readonly Node[]): void {
    const [left, right] = [nodeIn(node, "left"), nodeIn(node, "right")];
    if (!left || !right) return;
    // What is added to a text is not followed.
    this.#assignTo(left, node["operator"] === "=" ? right : UNKNOWN, above);
    const [place] = this.#placesOf(above) as [string];
    const target = bare(left);
    const [object, key] = [nodeIn(target, "object"), nodeIn(target, "property")];
    const of = target.type === "MemberExpression" ? pathOf(object) : undefined;
    if (of !== undefined && key) this.#push(this.#added, `${place}:${of}`, { key, value: right });
  }

  /** `body.put("GSW_PHONE", phone)` and `body.Add("GSW_PHONE", phone)`. */
  #put(node: Node, above: readonly Node[]): void {
    const callee = bare(nodeIn(node, "callee")!);
    const [key, value, more] = nodesIn(node, "arguments");
    if (callee.type !== "MemberExpression" || !key || !value || more) return;
    const of = pathOf(nodeIn(callee, "object"));
    if (of === undefined || !/^(?:put|add|set|addProperty|append|TryAdd)$/i.test(calleeName(node) ?? "")) return;
    const [place] = this.#placesOf(above) as [string];
    this.#push(this.#added, `${place}:${of}`, { key, value });
  }

  /** Names of the functions around a node, innermost first, and of the document. */
  #placesOf(above: readonly Node[]): readonly string[] {
    const around = above.filter(isFunction).toReversed();
    return [...around.map((each) => String(this.#functions.get(each) ?? GLOBAL)), GLOBAL];
  }

  #push<Kind>(into: Map<string, Kind[]>, key: string, value: Kind): void {
    const before = into.get(key);
    if (before) before.push(value);
    else into.set(key, [value]);
  }
}

/** Fields belong to the whole document. */
const isField = (path: string): boolean => path.startsWith("this.");
