/** Merges the files of a config: appends the tenants of `tenants.d` to those of the config file. */
import type { ConfigText, Part } from "./config-text.ts";
import { endFindings, hasEnd } from "./end-marker.ts";
import { CODES, pathText, type Finding, type Path, type Place, type ProblemText } from "../problems/problem.ts";
import { fillIn, parseYaml, type Instead, type Interpolated, type Parsed } from "../yaml.ts";

export type Merged = {
  /** Plain, interpolated values; undefined if the config file is not YAML. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly broken: Parsed["broken"];
  /** Paths of values from variables or files, which messages must not show. */
  readonly filled: ReadonlySet<string>;
  /** `file` is undefined for the config file itself. */
  readonly locate: (path: Path, atKey?: boolean) => Place;
  /** The path within the setting's own file, as text. */
  readonly formatPath: (path: Path) => string;
  /** The files whose last key is `end: true`. */
  readonly ended: ReadonlySet<string>;
  /** A file of tenants could not be read, so its tenants are unknown. */
  readonly areTenantsLost: boolean;
};

/** A cache of parsed files: hash of the text → plain values, as JSON. */
export type ParseCache = {
  readonly get: (hash: string) => unknown;
  readonly set: (hash: string, value: unknown) => void;
};

/** Caches nothing. */
export const NO_CACHE: ParseCache = { get: () => undefined, set: () => undefined };

export type MergeOptions = {
  readonly fill: (text: string) => Interpolated;
  readonly instead?: Instead | undefined;
  readonly cache?: ParseCache;
};

type Shape = Pick<Parsed, "value" | "findings" | "broken" | "locate">;

/** A file of tenants. `first`: index of its first tenant in the merged list. `at`: path of the list in its own file. */
type Section = {
  readonly part: Part;
  readonly shape: Shape;
  readonly tenants: readonly unknown[];
  readonly at: Path;
  readonly first: number;
};

export const merge = ({ main, tenants }: ConfigText, { fill, instead, cache = NO_CACHE }: MergeOptions): Merged => {
  const top = shapeOf(main, cache);
  const sections = sectionsOf(tenants, listIn(top.value).length, cache);
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
    formatPath: (path) => pathText(localOf(path, sections)?.path ?? path),
    ended,
    areTenantsLost: sections.some((section) => section.tenants.length === 0),
  };
};

const shapeOf = (part: Part, cache: ParseCache): Shape => {
  let value = cache.get(part.hash);
  if (value === undefined) {
    const parsed = parseYaml(part.text);
    if (parsed.broken.length > 0 || parsed.findings.length > 0) return parsed;
    if (!isPlain(parsed.value)) return parsed;
    ({ value } = parsed);
  }
  cache.set(part.hash, value);
  // Documents are large and few places are needed, so the text is parsed again for a place.
  let parsed: Parsed | undefined;
  return { value, findings: [], broken: [], locate: (...asked) => (parsed ??= parseYaml(part.text)).locate(...asked) };
};

/** True when JSON can represent the value: it lacks some of YAML's numbers. */
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

const sectionsOf = (parts: readonly Part[], before: number, cache: ParseCache): readonly Section[] => {
  let first = before;
  return parts.map((part) => {
    const shape = shapeOf(part, cache);
    const tenants = listIn(shape.value);
    const section = { part, shape, tenants, at: isMap(shape.value) ? ["tenants"] : [], first };
    first += tenants.length;
    return section;
  });
};

const KEYS: ReadonlySet<string> = new Set(["version", "tenants", "end"]);

const PROBLEMS = {
  unknownKey: (key: string) => ({
    code: CODES.unknownKey,
    message: `unknown key \`${key}\`; known: ${[...KEYS].join(", ")}`,
    help: "a file in tenants.d holds tenants only; other settings belong into the config file",
  }),
  noTenants: {
    code: "OCSGW-6352",
    message: "a file in tenants.d must hold a list of tenants, and this one has none",
    help: "write the tenants under tenants:, or delete the file, or rename it so that its name does not end in .yaml",
  },
  version: (found: string) => ({
    code: CODES.badValue,
    message: `expected 1, the version of this format, found ${found}`,
    help: "write version: 1, or remove the line",
  }),
  end: (found: string) => ({
    code: CODES.badValue,
    message: `expected true, as the last key of the file, found ${found}`,
    help: "write end: true, or remove the line",
  }),
} as const;

/** Problems of a file of tenants as a whole, which have no path in the settings. */
const brokenIn = ({ part: { file }, shape, tenants }: Section): Parsed["broken"] => {
  if (shape.broken.length > 0) {
    return shape.broken.map(({ also, ...each }) => ({ ...each, file, ...(also && { also: { ...also, file } }) }));
  }
  const { value, locate } = shape;
  const at = (path: Path, { code, message, help }: ProblemText): Parsed["broken"][number] => ({
    ...locate(path, true),
    file,
    code,
    message,
    ...(help !== undefined && { help }),
  });
  const map = isMap(value) ? value : {};
  return [
    ...Object.keys(map)
      .filter((key) => !KEYS.has(key))
      .map((key) => at([key], PROBLEMS.unknownKey(key))),
    ...(tenants.length === 0 && shape.findings.length === 0 ? [at([], PROBLEMS.noTenants)] : []),
    ...((map["version"] ?? 1) === 1 ? [] : [at(["version"], PROBLEMS.version(JSON.stringify(map["version"])))]),
    ...((map["end"] ?? true) === true ? [] : [at(["end"], PROBLEMS.end(JSON.stringify(map["end"])))]),
    ...endFindings(value).map((finding) => at(finding.path, finding)),
  ];
};

const movedFindings = (section: Section): readonly Finding[] =>
  section.shape.findings.map((finding) => ({ ...finding, path: wholeOf(section, finding.path) }));

const wholeOf = ({ at, first }: Section, path: Path): Path => {
  const [index, ...rest] = path.slice(at.length);
  return typeof index === "number" ? ["tenants", first + index, ...rest] : ["tenants"];
};

/** Undefined for a path in the config file itself. */
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
  // If that is not a list, only this problem is reported about tenants.
  return {
    value: Array.isArray(own) ? { ...value, tenants: [...(own as unknown[]), ...more] } : value,
    findings,
    filled,
  };
};
