/**
 * Edits a config by paths of the settings, as people would: tenants in `tenants.d` are edited in their own file, and
 * comments and layout stay. Nothing is written before `writeConfig`.
 */
import type { Sources } from "../interpolate.ts";
import { partOf, readConfigText, type ConfigText, type Part } from "../files/config-text.ts";
import { originOf } from "../files/origin.ts";
import { FileEditError, replaceText } from "../files/edit-file.ts";
import { readSettings, type Loaded } from "../load.ts";
import type { Path } from "../problems/problem.ts";
import { unifiedDiff } from "./unified-diff.ts";
import { YamlText, type SetOptions } from "./yaml-text.ts";

export { literal, type SetOptions } from "./yaml-text.ts";

/** `at`: path of the list of tenants in its file. */
type EditedPart = { readonly part: Part; readonly yaml: YamlText; readonly at: Path };

/** A tenant as the file has it: not interpolated, not validated. `path`: as in the settings, `["tenants", index]`. */
export type WrittenTenant = {
  readonly path: Path;
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
};

export class ConfigEdit {
  readonly #parts: readonly EditedPart[];

  /** Throws FileEditError if a file is not YAML. */
  constructor({ main, tenants }: ConfigText) {
    this.#parts = [main, ...tenants].map((part): EditedPart => {
      const yaml = new YamlText(part.file, part.text);
      const isList = part !== main && Array.isArray(yaml.value);
      return { part, yaml, at: isList ? [] : ["tenants"] };
    });
  }

  /** Rejects with FileEditError if a file of the config cannot be read or is not YAML. */
  static async open(file: string): Promise<ConfigEdit> {
    const text = await readConfigText(file);
    if (!("main" in text)) throw new FileEditError(`cannot read the config ${file}`, [text]);
    return new ConfigEdit(text);
  }

  /** All tenants in the order of the settings, with the edits so far. */
  tenants(): readonly WrittenTenant[] {
    let first = 0;
    return this.#parts.flatMap(({ part, yaml, at }) => {
      const list = listIn(yaml.get(at));
      const found = list.map((value, index) => ({
        path: ["tenants", first + index] as Path,
        file: part.file,
        value: (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>,
      }));
      first += list.length;
      return found;
    });
  }

  /** As in the file, not interpolated; undefined if the file does not have it. */
  get(path: Path): unknown {
    const { yaml, local } = this.#find(path);
    return yaml.get(local);
  }

  /**
   * Sets the value at a path of the settings, for example `["tenants", 0, "lists"]`; missing sections are added, and
   * an equal value stays as it is written. Strings are written as config text: use `literal` for names of others.
   */
  set(path: Path, value: unknown, options: SetOptions = {}): void {
    const { yaml, local } = this.#find(path);
    yaml.set(local, value, options);
  }

  append(path: Path, value: unknown, options: SetOptions = {}): void {
    const { yaml, local } = this.#find(path);
    yaml.append(local, value, options);
  }

  /** False if the file does not have it. */
  remove(path: Path): boolean {
    const { yaml, local } = this.#find(path);
    return yaml.remove(local);
  }

  /** Adds a tenant at the end of the config file's own list; returns its path. */
  addTenant(value: object, options: SetOptions = {}): Path {
    const { yaml } = this.#parts[0]!;
    yaml.append(["tenants"], value, { block: true, ...options });
    return ["tenants", yaml.count(["tenants"]) - 1];
  }

  /** The texts of all files after the edit. */
  text(): ConfigText {
    const [main, ...tenants] = this.#parts.map(({ part, yaml }) => partOf(part.file, yaml.toString()));
    return { main: main!, tenants };
  }

  /** The files that the edit changes. */
  changes(): readonly { readonly file: string; readonly before: string; readonly after: string }[] {
    return this.#parts
      .map(({ part, yaml }) => ({ file: part.file, before: part.text, after: yaml.toString() }))
      .filter(({ before, after }) => before !== after);
  }

  /** A unified diff of all changed files; empty without changes. */
  diff(): string {
    return this.changes()
      .map(({ file, before, after }) => unifiedDiff(before, after, { file }))
      .join("");
  }

  /** What the gateway and `ocsgw check` would say of the edited config. */
  check(env?: Sources["env"]): Loaded {
    const text = this.text();
    return readSettings(text, originOf(text.main.file, env));
  }

  #find(path: Path): { readonly yaml: YamlText; readonly local: Path } {
    const [section, index, ...rest] = path;
    const [main, ...others] = this.#parts;
    if (section !== "tenants" || typeof index !== "number") return { yaml: main!.yaml, local: path };
    let first = main!.yaml.count(["tenants"]);
    if (index < first) return { yaml: main!.yaml, local: path };
    for (const { yaml, at } of others) {
      const length = yaml.count(at);
      if (index < first + length) return { yaml, local: [...at, index - first, ...rest] };
      first += length;
    }
    throw new FileEditError(`the config has no tenant ${index}`);
  }
}

/**
 * Replaces the files that the edit changes, each atomically, with its owner and mode. Rejects with FileEditError if
 * another program has changed one since it was read; then that file and those after it stay as they are. Resolves to
 * the names of the changed files.
 */
export const writeConfig = async (edit: ConfigEdit): Promise<readonly string[]> => {
  const changes = edit.changes();
  for (const { file, before, after } of changes) await replaceText(file, { before, after });
  return changes.map(({ file }) => file);
};

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
