/** The values of the config file as written, and where they come from: the file, environment variables, other files. */

/** `isSet`: false if the variable is not set, or empty, so that its default in the file is used. */
export type Source =
  | { readonly kind: "variable"; readonly name: string; readonly isSet: boolean }
  | { readonly kind: "file"; readonly path: string };

const PART = /\$\$\{|\$\{(?:file:((?:\$\{[^}]*\}|[^}])*)|([A-Za-z_][A-Za-z0-9_]*)[^}]*)\}/g;

/** `text`: a value as written, before interpolation. Defaults of variables are not part of the result. */
export const sourcesIn = (text: string, env: Readonly<Record<string, string | undefined>>): readonly Source[] =>
  [...text.matchAll(PART)].flatMap(([, path, name]): Source | [] => {
    if (path !== undefined) return { kind: "file", path: withoutDefaults(path) };
    return name === undefined ? [] : { kind: "variable", name, isSet: (env[name] ?? "") !== "" };
  });

/**
 * A value as written, in which the references to variables and files stay. `rest` gives what is shown for the texts
 * between them; the default of a variable is such a text.
 */
export const namesShown = (text: string, rest: (text: string) => string): string => {
  const between = (part: string): string => (part === "" ? "" : rest(part));
  let [shown, from] = ["", 0];
  for (const found of text.matchAll(PART)) {
    const [reference, path, name] = found;
    if (path === undefined && name === undefined) continue;
    const [, before = "", standIn = ""] = /^(\$\{[A-Za-z_]\w*:-)([^]*)\}$/.exec(reference) ?? [];
    shown += between(text.slice(from, found.index));
    if (path !== undefined) shown += `\${file:${withoutDefaults(path)}}`;
    else shown += before === "" ? reference : `${before}${between(standIn)}}`;
    from = found.index + reference.length;
  }
  return shown + between(text.slice(from));
};

const withoutDefaults = (path: string): string => path.replaceAll(/:-[^}]*(?=\})/g, "");

export const memberOf = (value: unknown, key: string | number): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string | number, unknown>>)[key]
    : undefined;

/** All texts in the value. */
export const textsIn = (value: unknown): readonly string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [];
