/** YAML text → plain values, each with its place. No aliases, no tags, no second document, no key twice; strings pass through `fill`. */
import { Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type ParsedNode, type YAMLMap } from "yaml";
import type { Filled } from "./fill.ts";
import { CODES, type Finding, type Path, type Place } from "./problem.ts";

export type Read = {
  /** The whole file as plain values; undefined where a value could not be had, and for a text that is not YAML at all. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Problems that have a place and no path: the text is not YAML. */
  readonly broken: readonly (Place & { readonly code: string; readonly message: string; readonly also?: Place & { readonly message: string } })[];
  /** Values that were filled in, or could not be: messages do not show them. */
  readonly filled: ReadonlySet<string>;
  /** Where the value stands, or its key, or the nearest thing around it that does stand in the file. */
  readonly locate: (path: Path, atKey?: boolean) => Place;
  readonly has: (path: Path) => boolean;
  readonly document: Document.Parsed;
};

/** No setting stands deeper than 7. */
const DEEPEST = 16;
const TOO_DEEP = "this is nested too deeply";

type Spot = { readonly value: number; readonly key: number };

/** YAML's own kinds of value besides these are read into shapes that say not where they stand. */
const KNOWN_TAGS: ReadonlySet<string> = new Set(["map", "seq", "str", "int", "float", "bool", "null"].map((kind) => `tag:yaml.org,2002:${kind}`));

const id = (path: Path): string => JSON.stringify(path);

class Reader {
  readonly spots = new Map<string, Spot>();
  readonly findings: Finding[] = [];
  readonly filled = new Set<string>();
  readonly broken: (Place & { code: string; message: string; also?: Place & { message: string } })[] = [];
  readonly lines = new LineCounter();
  readonly #fill: (text: string) => Filled;
  readonly #instead: Instead;

  constructor(fill: (text: string) => Filled, instead: Instead) {
    this.#fill = fill;
    this.#instead = instead;
  }

  place(offset: number): Place {
    const { line, col } = this.lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** `key`: where the entry that holds this node begins. */
  read(node: ParsedNode | null, path: Path, key: number): unknown {
    const start = (node?.range as ParsedNode["range"] | undefined)?.[0] ?? key;
    this.spots.set(id(path), { value: start, key });
    if (node === null) return null;
    if (path.length > DEEPEST) return this.#refuse(path, TOO_DEEP);
    if (isAlias(node)) return this.#refuse(path, "aliases (*name) are not read: write the value out");
    if (node.tag !== undefined && !KNOWN_TAGS.has(node.tag)) return this.#refuse(path, `the tag ${node.tag} is not known here`);
    if (isMap(node)) return this.#readMap(node as YAMLMap.Parsed, path);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item as ParsedNode, [...path, index], (item as ParsedNode | null)?.range[0] ?? start));
    return isScalar(node) ? this.#readScalar(node.value, path) : undefined;
  }

  #readMap(node: YAMLMap.Parsed, path: Path): Record<string, unknown> {
    const found = new Map<string, number>();
    const entries: [string, unknown][] = [];
    for (const { key, value } of node.items) {
      const at = (key as ParsedNode | null)?.range[0] ?? node.range[0];
      if (!isScalar(key) || key.value === null) {
        this.broken.push({ ...this.place(at), code: CODES.forbiddenYaml, message: "expected a name as the key" });
        continue;
      }
      const name = typeof key.value === "string" ? key.value : (key.source ?? "");
      const first = found.get(name);
      if (first !== undefined) {
        this.broken.push({ ...this.place(at), code: CODES.duplicateKey, message: `the key \`${name}\` stands twice`, also: { ...this.place(first), message: "first here" } });
        continue;
      }
      found.set(name, at);
      entries.push([name, this.read(value as ParsedNode | null, [...path, name], at)]);
    }
    return Object.fromEntries(entries); // defines __proto__ as a key like any other
  }

  #readScalar(value: unknown, path: Path): unknown {
    if (typeof value !== "string" || !value.includes("${")) return value;
    this.filled.add(id(path));
    const result = this.#fill(value);
    if (result.ok) return result.value;
    const { code, message, help } = result;
    const instead = this.#instead(path, message);
    if (instead !== undefined) return instead;
    this.findings.push({ code, path, message, ...(help !== undefined && { help }) });
    return undefined;
  }

  #refuse(path: Path, message: string): undefined {
    this.findings.push({ code: CODES.forbiddenYaml, path, message });
    return undefined;
  }

  spot(path: Path): Spot {
    for (let length = path.length; length >= 0; length--) {
      const found = this.spots.get(id(path.slice(0, length)));
      // What stands around a missing value is pointed at by its key.
      if (found) return length === path.length ? found : { value: found.key, key: found.key };
    }
    return { value: 0, key: 0 };
  }
}

/** Never throws: what YAML does not allow comes back in `broken`. */
/** What stands for a value that could not be filled in, for the reason given; undefined where that is a finding. */
export type Instead = (path: Path, why: string) => string | undefined;

export const readYaml = (text: string, fill: (text: string) => Filled, instead: Instead = () => undefined): Read => {
  const reader = new Reader(fill, instead);
  const document = parse(text, reader);
  const value = reader.broken.length === 0 ? reader.read(document.contents, [], 0) : undefined;
  return {
    value,
    findings: reader.findings,
    broken: reader.broken,
    filled: reader.filled,
    locate: (path, atKey = false) => {
      const spot = reader.spot(path);
      return reader.place(atKey ? spot.key : spot.value);
    },
    has: (path) => reader.spots.has(id(path)),
    document,
  };
};

const parse = (text: string, reader: Reader): Document.Parsed => {
  try {
    // Keys that stand twice are found by the reader, which can say where the first one stands.
    const document = parseDocument(text, { version: "1.2", strict: true, uniqueKeys: false, prettyErrors: false, lineCounter: reader.lines, merge: false });
    // After the first mistake of grammar the parser reads what nobody wrote.
    const [grammar, others] = [document.errors.filter(({ code }) => code !== "MULTIPLE_DOCS"), document.errors.filter(({ code }) => code === "MULTIPLE_DOCS")];
    for (const { pos, message, code } of [...grammar.slice(0, 1), ...others, ...document.warnings]) {
      reader.broken.push({ ...reader.place(pos[0]), code: code === "MULTIPLE_DOCS" || code === "TAG_RESOLVE_FAILED" ? CODES.forbiddenYaml : CODES.notYaml, message: plain(code, message) });
    }
    if (document.directives.yaml.version !== "1.2") reader.broken.push({ ...reader.place(text.indexOf("%YAML")), code: CODES.forbiddenYaml, message: `this is read as YAML 1.2, in which no and 010 are other values than in YAML ${document.directives.yaml.version}` });
    return document;
  } catch {
    // The parser itself gives up on very deep nesting.
    reader.broken.push({ line: 1, column: 1, code: CODES.notYaml, message: TOO_DEEP });
    return new Document(null) as unknown as Document.Parsed;
  }
};

const plain = (code: string, message: string): string =>
  code === "MULTIPLE_DOCS" ? "a second document begins here; one file holds one"
    : code === "RESOURCE_EXHAUSTION" ? TOO_DEEP
    : `not YAML: ${message.replace(/\s+at line \d+.*$/s, "")}`;

/** True when the value there, or what it stands in, was filled in from outside the file. */
export const isFilled = (read: Pick<Read, "filled">, path: Path): boolean => read.filled.has(id(path));
