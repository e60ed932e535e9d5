/** The files of a config as one: the tenants of `tenants.d` follow those of the config file, and every place names its file. */
import type { ConfigText, Part } from "./config-text.ts";
import { endFindings, hasEnd } from "./end-marker.ts";
import type { Filled } from "./fill.ts";
import { CODES, pathText, type Finding, type Path, type Place } from "./problem.ts";
import { fillIn, parseYaml, type Instead, type Parsed } from "./yaml.ts";

export type Merged = {
  /** As plain values, filled in; undefined where the config file is not YAML. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly broken: Parsed["broken"];
  /** Values that were filled in, or could not be: messages do not show them. */
  readonly filled: ReadonlySet<string>;
  /** `file` is left out for the config file itself. */
  readonly locate: (path: Path, atKey?: boolean) => Place;
  /** The path within its own file, as text. */
  readonly spell: (path: Path) => string;
  /** The files whose last key is `end: true`. */
  readonly ended: ReadonlySet<string>;
  /** A file of tenants gave none: those that it means are not known. */
  readonly areTenantsLost: boolean;
};

/** What was parsed before, by the hash of the text: JSON of the plain values. */
export type Memory = {
  readonly recall: (hash: string) => unknown;
  readonly keep: (hash: string, value: unknown) => void;
};

/** Nothing is kept. */
export const NO_MEMORY: Memory = { recall: () => undefined, keep: () => undefined };

export type MergeOptions = {
  readonly fill: (text: string) => Filled;
  readonly instead?: Instead | undefined;
  readonly memory?: Memory;
};

type Shape = Pick<Parsed, "value" | "findings" | "broken" | "locate">;

/** With its tenants, from `first` on in the whole; `at`: where its list stands in its own file. */
type Section = {
  readonly part: Part;
  readonly shape: Shape;
  readonly tenants: readonly unknown[];
  readonly at: Path;
  readonly first: number;
};

export const merge = ({ main, tenants }: ConfigText, { fill, instead, memory = NO_MEMORY }: MergeOptions): Merged => {
  const top = shapeOf(main, memory);
  const sections = sectionsOf(tenants, listIn(top.value).length, memory);
  const locate = locator(top, sections);
  const broken = [...top.broken, ...sections.flatMap(brokenIn)];
  const ended = new Set([
    ...(hasEnd(top.value) ? [main.file] : []),
    ...sections.filter(({ shape }) => hasEnd(shape.value)).map(({ part }) => part.file),
  ]);
  const found = fillParts({ main, top, sections }, { fill, instead });
  return {
    ...found,
    findings: [...top.findings, ...endFindings(top.value), ...sections.flatMap(movedFindings), ...found.findings],
    broken,
    locate,
    spell: (path) => pathText(localOf(path, sections)?.path ?? path),
    ended,
    areTenantsLost: sections.some((section) => section.tenants.length === 0),
  };
};

const shapeOf = (part: Part, memory: Memory): Shape => {
  let value = memory.recall(part.hash);
  if (value === undefined) {
    const parsed = parseYaml(part.text);
    if (parsed.broken.length > 0 || parsed.findings.length > 0) return parsed;
    if (!isPlain(parsed.value)) return parsed;
    ({ value } = parsed);
  }
  memory.keep(part.hash, value);
  // The document is made again when somebody asks for a place: of many files nobody does, and it is large.
  let parsed: Parsed | undefined;
  return { value, findings: [], broken: [], locate: (...asked) => (parsed ??= parseYaml(part.text)).locate(...asked) };
};

/** JSON says the same: YAML has numbers that it cannot write. */
const isPlain = (value: unknown): boolean => {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object" || value === null) return value !== undefined && typeof value !== "bigint";
  return Object.values(value).every(isPlain);
};

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const listIn = (value: unknown): readonly unknown[] => {
  const list = isMap(value) && Object.hasOwn(value, "tenants") ? value["tenants"] : value;
  return Array.isArray(list) ? (list as unknown[]) : [];
};

const sectionsOf = (parts: readonly Part[], before: number, memory: Memory): readonly Section[] => {
  let first = before;
  return parts.map((part) => {
    const shape = shapeOf(part, memory);
    const tenants = listIn(shape.value);
    const section = { part, shape, tenants, at: isMap(shape.value) ? ["tenants"] : [], first };
    first += tenants.length;
    return section;
  });
};

const KEYS: ReadonlySet<string> = new Set(["version", "tenants", "end"]);

/** What is wrong with a file of tenants as a whole: of that no path in the settings can tell. */
const brokenIn = ({ part: { file }, shape, tenants }: Section): Parsed["broken"] => {
  if (shape.broken.length > 0) {
    return shape.broken.map(({ also, ...each }) => ({ ...each, file, ...(also && { also: { ...also, file } }) }));
  }
  const { value, locate } = shape;
  const at = (path: Path, code: string, message: string): Parsed["broken"][number] => ({
    ...locate(path, true),
    file,
    code,
    message,
  });
  const map = isMap(value) ? value : {};
  return [
    ...Object.keys(map)
      .filter((key) => !KEYS.has(key))
      .map((key) => at([key], CODES.unknownKey, `unknown key \`${key}\`; known here: ${[...KEYS].join(", ")}`)),
    ...(tenants.length === 0 && shape.findings.length === 0
      ? [at([], "OCSGW-6352", "a file of tenants.d holds a list of tenants, and this one has none")]
      : []),
    ...((map["version"] ?? 1) === 1 ? [] : [at(["version"], CODES.badValue, "expected 1, the version of this format")]),
    ...((map["end"] ?? true) === true
      ? []
      : [at(["end"], CODES.badValue, "expected true, as the last key of the file")]),
    ...endFindings(value).map(({ path, code, message }) => at(path, code, message)),
  ];
};

const movedFindings = (section: Section): readonly Finding[] =>
  section.shape.findings.map((finding) => ({ ...finding, path: wholeOf(section, finding.path) }));

const wholeOf = ({ at, first }: Section, path: Path): Path => {
  const [index, ...rest] = path.slice(at.length);
  return typeof index === "number" ? ["tenants", first + index, ...rest] : ["tenants"];
};

/** Undefined for what stands in the config file. */
const localOf = (
  path: Path,
  sections: readonly Section[],
): { readonly section: Section; readonly path: Path } | undefined => {
  const [name, index, ...rest] = path;
  if (name !== "tenants" || typeof index !== "number") return undefined;
  const section = sections.find(({ first, tenants }) => index >= first && index < first + tenants.length);
  return section && { section, path: [...section.at, index - section.first, ...rest] };
};

const locator =
  (top: Shape, sections: readonly Section[]): Merged["locate"] =>
  (path, atKey) => {
    const local = localOf(path, sections);
    return local
      ? { ...local.section.shape.locate(local.path, atKey), file: local.section.part.file }
      : top.locate(path, atKey);
  };

type Whole = { readonly main: Part; readonly top: Shape; readonly sections: readonly Section[] };

const fillParts = (
  { main, top, sections }: Whole,
  { fill, instead }: MergeOptions,
): Pick<Merged, "value" | "findings" | "filled"> => {
  const [findings, filled]: [Finding[], Set<string>] = [[], new Set()];
  const take = (part: Part, value: unknown, base: Path): unknown => {
    if (!part.text.includes("${")) return value;
    const found = fillIn(value, fill, { instead, base });
    findings.push(...found.findings);
    for (const each of found.filled) filled.add(each);
    return found.value;
  };
  const value = take(main, top.value, []);
  if (sections.length === 0 || !isMap(value)) return { value, findings, filled };
  const more = sections.flatMap(({ part, tenants, first }) =>
    tenants.map((tenant, at) => take(part, tenant, ["tenants", first + at])),
  );
  const own = value["tenants"] ?? [];
  // Where that is no list, it is told of the config file, and nothing else of tenants.
  return {
    value: Array.isArray(own) ? { ...value, tenants: [...(own as unknown[]), ...more] } : value,
    findings,
    filled,
  };
};
