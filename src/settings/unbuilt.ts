/**
 * Settings that this version reads and does not carry out yet, each with what that means in practice. Whoever builds one deletes its row. A key
 * that does nothing is an unknown key otherwise: a row is for one alone whose part is under construction. `*` stands for every entry of a list or map.
 */
import type { Finding, Path } from "./problem.ts";
import type { Settings } from "./schema.ts";

type Row = {
  readonly code: string;
  readonly at: string;
  readonly when: (value: unknown) => boolean;
  readonly says: string;
  readonly help?: string;
};

const stated = (value: unknown): boolean => value !== null;

const UNBUILT: readonly Row[] = [
  {
    code: "OCSGW-6410",
    at: "admin.users",
    when: stated,
    says: "people and roles are not told apart on the admin listener in this version",
  },
];

export const findUnbuilt = (settings: Settings): readonly Finding[] =>
  UNBUILT.flatMap(({ code, at, when, says, help }) =>
    everyAt(settings, at.split("."))
      .filter(({ value }) => when(value))
      .map(({ path }): Finding => ({
        code,
        severity: "warning",
        path,
        message: says,
        ...(help !== undefined && { help }),
      })),
  );

const everyAt = (
  value: unknown,
  pattern: readonly string[],
  path: Path = [],
): readonly { readonly path: Path; readonly value: unknown }[] => {
  const [part, ...rest] = pattern;
  if (part === undefined) return [{ path, value }];
  if (typeof value !== "object" || value === null) return [];
  const entries = Object.entries(value) as [string, unknown][];
  return entries
    .filter(([key]) => part === "*" || key === part)
    .flatMap(([key, each]) => everyAt(each, rest, [...path, Array.isArray(value) ? Number(key) : key]));
};
