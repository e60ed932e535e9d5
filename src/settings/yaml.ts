/** YAML text → plain values, each with its place. No aliases, no tags, no second document, no key twice; texts pass through `fill`. */
import manifest from "yaml/package.json" with { type: "json" };
import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type ParsedNode,
  type YAMLMap,
} from "yaml";
import type { Filled } from "./fill.ts";
import { CODES, type Finding, type Path, type Place } from "./problem.ts";

/** YAML text → plain values as they stand, each with its place. */
export type Parsed = {
  /** The whole file as plain values; undefined where a value is refused, and for a text that is not YAML at all. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Problems that have a place and no path: the text is not YAML. */
  readonly broken: readonly (Place & {
    readonly code: string;
    readonly message: string;
    readonly also?: Place & { readonly message: string };
  })[];
  /** Where the value stands, or its key, or the nearest thing around it that does stand in the file. */
  readonly locate: (path: Path, atKey?: boolean) => Place;
  readonly document: Document.Parsed;
};

export type Read = Parsed & {
  /** Values that were filled in, or could not be: messages do not show them. */
  readonly filled: ReadonlySet<string>;
};

/** What the same text is read as may be another value in another version: change the number when this file does. */
export const YAML_FORMAT = `yaml ${manifest.version}, 1`;

/** No setting stands deeper than 7. */
const DEEPEST = 16;
const TOO_DEEP = "this is nested too deeply";

/** Offsets in the text: of the value, and of the entry that holds it. */
type Spot = { readonly value: number; readonly key: number };

/** YAML's own kinds of value besides these are read into shapes that say not where they stand. */
const KNOWN_TAGS: ReadonlySet<string> = new Set(
  ["map", "seq", "str", "int", "float", "bool", "null"].map((kind) => `tag:yaml.org,2002:${kind}`),
);

const id = (path: Path): string => JSON.stringify(path);

class Reader {
  readonly findings: Finding[] = [];
  readonly broken: (Place & { code: string; message: string; also?: Place & { message: string } })[] = [];
  readonly lines = new LineCounter();

  place(offset: number): Place {
    const { line, col } = this.lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  read(node: ParsedNode | null, path: Path): unknown {
    if (node === null) return null;
    if (path.length > DEEPEST) return this.#refuse(path, TOO_DEEP);
    if (isAlias(node)) return this.#refuse(path, "aliases (*name) are not read: write the value out");
    if (node.tag !== undefined && !KNOWN_TAGS.has(node.tag))
      return this.#refuse(path, `the tag ${node.tag} is not known here`);
    if (isMap(node)) return this.#readMap(node as YAMLMap.Parsed, path);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item as ParsedNode, [...path, index]));
    return isScalar(node) ? node.value : undefined;
  }

  #readMap(node: YAMLMap.Parsed, path: Path): Record<string, unknown> {
    const found = new Map<string, number>();
    const entries: [string, unknown][] = [];
    for (const { key, value } of node.items) {
      const at = (key as ParsedNode | null)?.range[0] ?? node.range[0];
      const name = nameIn(key);
      if (name === undefined) {
        this.broken.push({ ...this.place(at), code: CODES.forbiddenYaml, message: "expected a name as the key" });
        continue;
      }
      const first = found.get(name);
      if (first !== undefined) {
        this.broken.push({
          ...this.place(at),
          code: CODES.duplicateKey,
          message: `the key \`${name}\` stands twice`,
          also: { ...this.place(first), message: "first here" },
        });
        continue;
      }
      found.set(name, at);
      entries.push([name, this.read(value as ParsedNode | null, [...path, name])]);
    }
    return Object.fromEntries(entries); // defines __proto__ as a key like any other
  }

  #refuse(path: Path, message: string): undefined {
    this.findings.push({ code: CODES.forbiddenYaml, path, message });
    return undefined;
  }
}

const nameIn = (key: unknown): string | undefined => {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? "");
};

const startOf = (node: unknown): number | undefined =>
  (node as { readonly range?: readonly number[] | null } | null)?.range?.[0];

/** Goes down to what stands at the path: few are asked for, of the millions that a large file has. */
const spotIn = (top: ParsedNode | null, path: Path): Spot => {
  let node: unknown = top;
  let spot: Spot = { value: startOf(top) ?? 0, key: 0 };
  for (const part of path) {
    const next = entryIn(node, part, spot.value);
    // What stands around a missing value is pointed at by its key.
    if (!next) return { value: spot.key, key: spot.key };
    ({ node, spot } = next);
  }
  return spot;
};

type Entry = { readonly node: unknown; readonly spot: Spot };

const entryIn = (node: unknown, part: string | number, around: number): Entry | undefined => {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => nameIn(key) === part);
    if (!pair) return undefined;
    const key = startOf(pair.key) ?? around;
    return { node: pair.value, spot: { value: startOf(pair.value) ?? key, key } };
  }
  if (!isSeq(node) || typeof part !== "number" || part >= node.items.length) return undefined;
  const at = startOf(node.items[part]) ?? around;
  return { node: node.items[part], spot: { value: at, key: at } };
};

/** Never throws: what YAML does not allow comes back in `broken`. */
export const parseYaml = (text: string): Parsed => {
  const reader = new Reader();
  const document = parse(text, reader);
  const isYaml = reader.broken.length === 0;
  const value = isYaml ? reader.read(document.contents, []) : undefined;
  return {
    value,
    findings: reader.findings,
    broken: reader.broken,
    locate: (path, atKey = false) => {
      const spot = isYaml ? spotIn(document.contents, path) : { value: 0, key: 0 };
      return reader.place(atKey ? spot.key : spot.value);
    },
    document,
  };
};

/** What stands for a value that could not be filled in, for the reason given; undefined where that is a finding. */
export type Instead = (path: Path, why: string) => string | undefined;

type Fill = (text: string) => Filled;

/** The same value with every text filled in. `base`: its own path. */
export const fillIn = (
  value: unknown,
  fill: Fill,
  { instead = () => undefined, base = [] }: { readonly instead?: Instead | undefined; readonly base?: Path } = {},
): Pick<Read, "value" | "findings" | "filled"> => {
  const findings: Finding[] = [];
  const filled = new Set<string>();
  const scalar = (text: string, path: Path): unknown => {
    filled.add(id(path));
    const result = fill(text);
    if (result.ok) return result.value;
    const { code, message, help } = result;
    const stands = instead(path, message);
    if (stands === undefined) findings.push({ code, path, message, ...(help !== undefined && { help }) });
    return stands;
  };
  const walk = (each: unknown, path: Path): unknown => {
    if (typeof each === "string") return each.includes("${") ? scalar(each, path) : each;
    if (typeof each !== "object" || each === null) return each;
    if (Array.isArray(each)) return each.map((item, at) => walk(item, [...path, at]));
    return Object.fromEntries(Object.entries(each).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, base), findings, filled };
};

/** Parsed, and filled in. */
export const readYaml = (text: string, fill: Fill, instead?: Instead): Read => {
  const parsed = parseYaml(text);
  if (!text.includes("${")) return { ...parsed, filled: new Set() };
  const { value, findings, filled } = fillIn(parsed.value, fill, { instead });
  return { ...parsed, value, findings: [...parsed.findings, ...findings], filled };
};

const parse = (text: string, reader: Reader): Document.Parsed => {
  try {
    // Keys that stand twice are found by the reader, which can say where the first one stands.
    const document = parseDocument(text, {
      version: "1.2",
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: reader.lines,
      merge: false,
    });
    // After the first mistake of grammar the parser reads what nobody wrote.
    const [grammar, others] = [
      document.errors.filter(({ code }) => code !== "MULTIPLE_DOCS"),
      document.errors.filter(({ code }) => code === "MULTIPLE_DOCS"),
    ];
    for (const { pos, message, code } of [...grammar.slice(0, 1), ...others, ...document.warnings]) {
      reader.broken.push({
        ...reader.place(pos[0]),
        code: code === "MULTIPLE_DOCS" || code === "TAG_RESOLVE_FAILED" ? CODES.forbiddenYaml : CODES.notYaml,
        message: plain(code, message),
      });
    }
    if (document.directives.yaml.version !== "1.2")
      reader.broken.push({
        ...reader.place(text.indexOf("%YAML")),
        code: CODES.forbiddenYaml,
        message: `this is read as YAML 1.2, in which no and 010 are other values than in YAML ${document.directives.yaml.version}`,
      });
    return document;
  } catch {
    // The parser itself gives up on very deep nesting.
    reader.broken.push({ line: 1, column: 1, code: CODES.notYaml, message: TOO_DEEP });
    return new Document(null) as unknown as Document.Parsed;
  }
};

const plain = (code: string, message: string): string =>
  code === "MULTIPLE_DOCS"
    ? "a second document begins here; one file holds one"
    : code === "RESOURCE_EXHAUSTION"
      ? TOO_DEEP
      : `not YAML: ${message.replace(/\s+at line \d+.*$/s, "")}`;

/** True when the value there, or what it stands in, was filled in from outside the file. */
export const isFilled = (read: Pick<Read, "filled">, path: Path): boolean => read.filled.has(id(path));
