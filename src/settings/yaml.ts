/** Parses YAML to plain values with their places. Rejects aliases, tags, several documents and duplicate keys. */
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
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { CODES, type Finding, type Path, type Place } from "./problems/problem.ts";
import { describeYamlError, type YamlProblem } from "./problems/yaml-errors.ts";

export type Interpolated =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly help?: string };

/** A problem with a place but no path. */
type Broken = Place & {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly also?: Place & { readonly message: string };
};

/** The result of parsing a YAML text. */
export type Parsed = {
  /** The file as plain values; rejected values are undefined, and so is a text that is not YAML. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** Why the text is not YAML. */
  readonly broken: readonly Broken[];
  /** The place of the value or of its key; for a missing value, the place of the nearest section around it. */
  readonly locate: (path: Path, atKey?: boolean) => Place;
  readonly document: Document.Parsed;
};

export type Read = Parsed & {
  /** Paths of values from variables or files, which messages must not show. */
  readonly filled: ReadonlySet<string>;
};

/** The version of the parsed result. Change the number when this file parses texts differently. */
export const YAML_FORMAT = `yaml ${manifest.version}, 1`;

/** Maximum nesting; the deepest setting has 7 levels. */
const DEEPEST = 16;

const TEXTS = {
  tooDeep: `the file is nested too deeply: more than ${DEEPEST} levels`,
  tooDeepHelp: "the deepest setting has 7 levels: check the indentation, and the brackets",
  alias: "aliases (*name) are not supported",
  aliasHelp: "write the value out; a value that begins with * needs quotes",
  tag: (tag: string) => `the tag ${tag.replace("tag:yaml.org,2002:", "!!")} is not supported`,
  tagHelp: "remove it; a value that begins with ! needs quotes",
  notName: (found: string) => `expected a name as the key, found ${found}`,
  notNameHelp: "write a name before the colon",
  template: "if this is a placeholder of a template, such as {{ name }}, the template was not filled in",
  duplicateKey: (name: string) => `duplicate key \`${name}\``,
  duplicateHelp: "remove one of the two, merge them, or correct one if it is a mistake",
  version: (version: string) =>
    `the file is read as YAML 1.2, where values such as no and 010 differ from YAML ${version}`,
  versionHelp: "remove the %YAML line, and check such values",
  secondDocument: "a second document starts here (---), but a file may hold only one",
  secondDocumentHelp: "remove the --- and what follows, or put further tenants into tenants.d/*.yaml",
} as const;

/** Offsets in the text: of the value, and of the entry that contains it. */
type Spot = { readonly value: number; readonly key: number };

/** The YAML types with places; the parser would convert others, such as dates, to objects without places. */
const KNOWN_TAGS: ReadonlySet<string> = new Set(
  ["map", "seq", "str", "int", "float", "bool", "null"].map((kind) => `tag:yaml.org,2002:${kind}`),
);

const id = (path: Path): string => JSON.stringify(path);

class Reader {
  readonly findings: Finding[] = [];
  readonly broken: Broken[] = [];
  readonly lines = new LineCounter();

  place(offset: number): Place {
    const { line, col } = this.lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  read(node: ParsedNode | null, path: Path): unknown {
    if (node === null) return null;
    if (path.length > DEEPEST) return this.#refuse(path, TEXTS.tooDeep, TEXTS.tooDeepHelp);
    if (isAlias(node)) return this.#refuse(path, TEXTS.alias, TEXTS.aliasHelp);
    if (node.tag !== undefined && !KNOWN_TAGS.has(node.tag))
      return this.#refuse(path, TEXTS.tag(node.tag), TEXTS.tagHelp);
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
        this.broken.push({
          ...this.place(at),
          code: CODES.forbiddenYaml,
          message: TEXTS.notName(
            isMap(key) ? "a map in { }" : isSeq(key) ? "a list in [ ]" : "nothing before the colon",
          ),
          help: isMap(key) ? TEXTS.template : TEXTS.notNameHelp,
        });
        continue;
      }
      const first = found.get(name);
      if (first !== undefined) {
        this.broken.push({
          ...this.place(at),
          code: CODES.duplicateKey,
          message: TEXTS.duplicateKey(name),
          help: TEXTS.duplicateHelp,
          also: { ...this.place(first), message: "first used here" },
        });
        continue;
      }
      found.set(name, at);
      entries.push([name, this.read(value as ParsedNode | null, [...path, name])]);
    }
    return Object.fromEntries(entries); // defines __proto__ as a key like any other
  }

  #refuse(path: Path, message: string, help?: string): undefined {
    this.findings.push({ code: CODES.forbiddenYaml, path, message, ...(help !== undefined && { help }) });
    return undefined;
  }
}

/** The name that a key stands for; undefined if it is none. */
export const nameIn = (key: unknown): string | undefined => {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? "");
};

const startOf = (node: unknown): number | undefined =>
  (node as { readonly range?: readonly number[] | null } | null)?.range?.[0];

/** Finds the node at a path. Uses no index: a large file has millions of nodes, and few places are needed. */
const spotIn = (top: ParsedNode | null, path: Path): Spot => {
  let node: unknown = top;
  let spot: Spot = { value: startOf(top) ?? 0, key: 0 };
  for (const part of path) {
    const next = entryIn(node, part, spot.value);
    // The value is missing: uses the key of the section around it.
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

/** Never throws: reports syntax errors in `broken`. */
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

/** Returns a replacement for a value that could not be interpolated; undefined to report it as a finding. */
export type Instead = (path: Path, why: string) => string | undefined;

type Fill = (text: string) => Interpolated;

/** Interpolates all texts in the value. `base`: the path of the value itself. */
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
    const replacement = instead(path, message);
    if (replacement === undefined) findings.push({ code, path, message, ...(help !== undefined && { help }) });
    return replacement;
  };
  const walk = (each: unknown, path: Path): unknown => {
    if (typeof each === "string") return each.includes("${") ? scalar(each, path) : each;
    if (typeof each !== "object" || each === null) return each;
    if (Array.isArray(each)) return each.map((item, at) => walk(item, [...path, at]));
    return Object.fromEntries(Object.entries(each).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(value, base), findings, filled };
};

/** Parses and interpolates. `instead`: see Instead. */
export const readYaml = (text: string, fill: Fill, instead?: Instead): Read => {
  const parsed = parseYaml(text);
  if (!text.includes("${")) return { ...parsed, filled: new Set() };
  const { value, findings, filled } = fillIn(parsed.value, fill, { instead });
  return { ...parsed, value, findings: [...parsed.findings, ...findings], filled };
};

const parse = (text: string, reader: Reader): Document.Parsed => {
  try {
    // The reader finds duplicate keys itself, and reports where the first one is.
    const document = parseDocument(text, {
      version: "1.2",
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: reader.lines,
      merge: false,
    });
    // Only the first syntax error is reported: the parser's further errors are misleading.
    const [grammar, others] = [
      document.errors.filter(({ code }) => code !== "MULTIPLE_DOCS"),
      document.errors.filter(({ code }) => code === "MULTIPLE_DOCS"),
    ];
    for (const error of [...grammar.slice(0, 1), ...others, ...document.warnings]) {
      const { at, message, help, also } = describe(text, error);
      const isForbidden = error.code === "MULTIPLE_DOCS" || error.code === "TAG_RESOLVE_FAILED";
      reader.broken.push({
        ...reader.place(at),
        code: isForbidden ? CODES.forbiddenYaml : CODES.notYaml,
        message,
        ...(help !== undefined && { help }),
        ...(also && { also: { ...reader.place(also.at), message: also.message } }),
      });
    }
    if (document.directives.yaml.version !== "1.2")
      reader.broken.push({
        ...reader.place(text.indexOf("%YAML")),
        code: CODES.forbiddenYaml,
        message: TEXTS.version(document.directives.yaml.version),
        help: TEXTS.versionHelp,
      });
    return document;
  } catch {
    // The parser throws on very deep nesting.
    reader.broken.push({ line: 1, column: 1, code: CODES.notYaml, message: TEXTS.tooDeep, help: TEXTS.tooDeepHelp });
    return new Document(null) as unknown as Document.Parsed;
  }
};

const describe = (text: string, error: YAMLError): YamlProblem => {
  const [at] = error.pos;
  switch (error.code) {
    case "MULTIPLE_DOCS":
      return { at, message: TEXTS.secondDocument, help: TEXTS.secondDocumentHelp };
    case "RESOURCE_EXHAUSTION":
      return { at, message: TEXTS.tooDeep, help: TEXTS.tooDeepHelp };
    case "TAG_RESOLVE_FAILED":
      return {
        at,
        message: TEXTS.tag(/^Unresolved tag: (\S+)$/.exec(error.message)?.[1] ?? "here"),
        help: TEXTS.tagHelp,
      };
    default: {
      const problem = describeYamlError(text, error);
      return { ...problem, message: `not YAML: ${problem.message}` };
    }
  }
};

/** True if the value came from a variable or file. */
export const isFilled = (read: Pick<Read, "filled">, path: Path): boolean => read.filled.has(id(path));
