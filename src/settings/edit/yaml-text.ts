/** One YAML text that is edited: values at paths, with comments and layout kept. */
import {
  isCollection,
  isMap,
  isScalar,
  isSeq,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { nameIn, parseYaml } from "../yaml.ts";
import { problemsOf } from "../problems/locate.ts";
import type { Path } from "../problems/problem.ts";
import { FileEditError } from "../files/edit-file.ts";
import { keepLayout } from "./keep-layout.ts";
import { nodeOf, print, withComments } from "./nodes.ts";

/** Interpolation reads `${`; a name that is not ours may contain it. */
export const literal = (text: string): string => text.replaceAll("${", "$$${");

/** `comment`: lines above the entry, without #. `block`: a line for each part of the value. */
export type SetOptions = { readonly comment?: string; readonly block?: boolean };

export class YamlText {
  readonly #before: string;
  readonly #printed: string;
  readonly #document: Document;
  readonly #first: { readonly value: unknown };
  /** The edited text, until the next edit. The text before, while nothing was edited. */
  #text: string | undefined;

  /** Throws FileEditError if the text is not YAML or uses what a config may not: aliases, tags, duplicate keys. */
  constructor(file: string, text: string) {
    this.#before = text;
    this.#text = text;
    const plain = this.#isDos ? text.replaceAll("\r\n", "\n") : text;
    const read = parseYaml(plain);
    const problems = problemsOf(file, read, read.findings);
    if (problems.length > 0) throw new FileEditError(`${file} is not valid`, problems);
    this.#first = read;
    this.#document = withNulls(plain, read.document);
    this.#printed = print(this.#document);
  }

  get #isDos(): boolean {
    return this.#before.includes("\r\n");
  }

  /** The whole text as plain values, before any edit. */
  get value(): unknown {
    return this.#first.value;
  }

  /** The node or plain value is replaced; sections that are missing on the way are added. Equal values stay. */
  set(path: Path, value: unknown, { comment, block }: SetOptions = {}): void {
    const key = path.at(-1)!;
    const parent = this.#section(path.slice(0, -1), typeof key === "number" ? "list" : "map");
    const found = entryOf(parent, key);
    if (found && JSON.stringify(plainOf(found.value)) === JSON.stringify(value)) return;
    this.#text = undefined;
    const node = nodeOf(this.#document, value, { ...(block !== undefined && { block }) });
    if (found) found.replace(withComments(found.value, node));
    else this.#insert(parent, key, node);
    if (comment === undefined) return;
    const top = commented(parent, key);
    if (top) top.commentBefore = hash(comment);
  }

  /** Appends to the list at the path, which is made if it is missing. */
  append(path: Path, value: unknown, options: SetOptions = {}): void {
    const list = this.#section(path, "list");
    this.set([...path, list.items.length], value, options);
  }

  /** False if there is nothing at the path. */
  remove(path: Path): boolean {
    const parent = this.#at(path.slice(0, -1));
    const found = isCollection(parent) ? entryOf(parent as YAMLMap | YAMLSeq, path.at(-1)!) : undefined;
    found?.remove();
    if (found) this.#text = undefined;
    return found !== undefined;
  }

  /** The plain value at the path, with the edits so far; undefined if there is none. */
  get(path: Path): unknown {
    const node = this.#at(path);
    return node === undefined ? undefined : plainOf(node);
  }

  /** The number of entries of the list at the path; 0 if there is none. */
  count(path: Path): number {
    const node = this.#at(path);
    return isSeq(node) ? node.items.length : 0;
  }

  /** The edited text. Byte for byte the old one where nothing was edited. */
  toString(): string {
    return (this.#text ??= this.#edited());
  }

  #edited(): string {
    const edited = print(this.#document);
    const plain = this.#isDos ? this.#before.replaceAll("\r\n", "\n") : this.#before;
    const kept = keepLayout(plain, this.#printed, edited);
    // What is printed is certain; the kept layout is only taken where it means the same.
    const text = sameValue(kept, edited) ? kept : edited;
    return this.#isDos ? text.replaceAll("\n", "\r\n") : text;
  }

  #at(path: Path): unknown {
    let node: unknown = this.#document.contents;
    for (const part of path) {
      if (!isCollection(node)) return undefined;
      node = entryOf(node as YAMLMap | YAMLSeq, part)?.value;
    }
    return node;
  }

  #section(path: Path, kind: "map" | "list"): YAMLMap | YAMLSeq {
    const found = this.#at(path);
    const isKind = kind === "map" ? isMap(found) : isSeq(found);
    if (isKind) return found as YAMLMap | YAMLSeq;
    if (isCollection(found) || (found !== undefined && plainOf(found) !== null))
      throw new FileEditError(`${path.join(".")} is not a ${kind}, so nothing can be added to it`);
    const made = nodeOf(this.#document, kind === "map" ? {} : [], { block: true }) as YAMLMap | YAMLSeq;
    if (path.length === 0) this.#document.contents = made as never;
    else {
      const key = path.at(-1)!;
      const parent = this.#section(path.slice(0, -1), typeof key === "number" ? "list" : "map");
      const entry = entryOf(parent, key);
      if (entry) entry.replace(made);
      else this.#insert(parent, key, made);
    }
    this.#text = undefined;
    return made;
  }

  #insert(parent: YAMLMap | YAMLSeq, key: string | number, node: Node): void {
    if (isSeq(parent)) {
      if (parent.items.length === 0 && isCollection(node)) parent.flow = false;
      parent.items.push(node);
      return;
    }
    // An empty section is written {}; with a first entry it gets lines, unless a section around it is on one line.
    if (parent.items.length === 0) parent.flow = false;
    const pair = this.#document.createPair(key, null) as Pair;
    pair.value = node;
    const end = parent === this.#document.contents ? parent.items.findIndex((each) => nameIn(each.key) === "end") : -1;
    parent.items.splice(end === -1 ? parent.items.length : end, 0, pair as never);
  }
}

/**
 * The document with ~ for each value that is missing after a colon. The library would take the comment and the blank
 * line that follow for a part of the missing value.
 */
const withNulls = (text: string, document: Document): Document => {
  const places: number[] = [];
  visit(document, {
    Pair: (_, { value }) => {
      const at = isScalar(value) && value.value === null && value.source === "" ? value.range?.[0] : undefined;
      if (at !== undefined && text.slice(0, at).trimEnd().endsWith(":")) places.push(at);
    },
  });
  if (places.length === 0) return document;
  const parts = [0, ...places].map((from, index) => text.slice(from, places[index]));
  return parseYaml(parts.join(" ~ ")).document;
};

type Entry = {
  readonly value: unknown;
  readonly replace: (node: Node) => void;
  readonly remove: () => void;
};

const entryOf = (parent: YAMLMap | YAMLSeq, key: string | number): Entry | undefined => {
  const items = parent.items as unknown[];
  const at = isMap(parent)
    ? parent.items.findIndex((pair) => nameIn(pair.key) === String(key))
    : typeof key === "number" && key < items.length
      ? key
      : -1;
  if (at === -1) return undefined;
  const pair = isMap(parent) ? parent.items[at] : undefined;
  return {
    value: pair ? pair.value : items[at],
    replace: (node) => {
      if (pair) pair.value = node;
      else items[at] = node;
    },
    remove: () => items.splice(at, 1),
  };
};

const plainOf = (node: unknown): unknown =>
  typeof node === "object" && node !== null && "toJSON" in node ? (node as Node).toJSON() : (node ?? null);

/** What a comment above the entry belongs to: the key of a map's entry, or the item of a list. */
const commented = (parent: YAMLMap | YAMLSeq, key: string | number): Node | undefined => {
  if (!isMap(parent)) return parent.items[key as number] as Node;
  const pair = parent.items.find((each) => nameIn(each.key) === key);
  return pair?.key as Node | undefined;
};

const hash = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => (line === "" ? "" : ` ${line}`))
    .join("\n");

const sameValue = (left: string, right: string): boolean => {
  const [a, b] = [parseYaml(left), parseYaml(right)];
  return a.broken.length === 0 && a.findings.length === 0 && JSON.stringify(a.value) === JSON.stringify(b.value);
};
